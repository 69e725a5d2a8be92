"""How report pages look: one style sheet, light and dark, and the only script, which filters."""

from __future__ import annotations

import re
from html import escape

_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Characters that cannot be seen: those that HTML has not got, and those that turn the text after them around."""

STYLE = """
:root{color-scheme:light dark;
--paper:#fff;--text:#1b2127;--quiet:#59636e;--grid:#e4e8ec;--ours:#2f7fc1;--before:#c3cad2;
--bad:#b3471b;--good:#14724f;--raised:#f6f8fa}
@media(prefers-color-scheme:dark){:root{--paper:#171c22;--text:#e8ecf0;--quiet:#9aa5b1;--grid:#2b333c;--ours:#5aa5e0;
--before:#4a5562;--bad:#f08a5d;--good:#4fc79b;--raised:#1e252d}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:76rem;padding:1.5rem 1rem 3rem;background:var(--paper);color:var(--text);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
h1{font-size:1.4rem;margin:0 0 .4rem}h2{font-size:1.05rem;margin:1.6rem 0 .5rem}
p{margin:.3rem 0;max-width:60rem;overflow-wrap:anywhere}.quiet{color:var(--quiet)}
.state{display:inline-block;padding:.05rem .55rem;border-radius:1rem;border:1px solid;font-size:.85rem;font-weight:600}
.bad{color:var(--bad)}.good{color:var(--good)}
.tools{display:flex;gap:.8rem;flex-wrap:wrap;align-items:center;margin:1rem 0 .5rem}
input,select{font:inherit;color:inherit;background:var(--paper);border:1px solid var(--quiet);border-radius:.3rem;
padding:.25rem .5rem}
:focus-visible{outline:2px solid var(--ours);outline-offset:2px}
.key i{display:inline-block;width:.9rem;height:.7rem;margin:0 .3rem 0 .8rem;background:var(--before)}
.key i+i,.key .now{background:none;border-top:2px solid var(--ours);height:0;vertical-align:middle}
details{border-top:1px solid var(--grid);content-visibility:auto;contain-intrinsic-size:auto 50px}
summary,.heads{display:grid;grid-template-columns:minmax(9rem,1.4fr) 10rem minmax(8rem,1fr) minmax(12rem,2fr);gap:1rem;
align-items:center;padding:.45rem .4rem}
summary{cursor:pointer;list-style:none}.heads{font-size:.85rem}
summary::-webkit-details-marker{display:none}summary:hover{background:var(--raised)}
summary b{overflow-wrap:anywhere;font-weight:600;display:block;max-height:4.5em;overflow:hidden}
details[open] summary b{max-height:none}summary small{color:var(--quiet);display:block}
details[open]{background:var(--raised)}
svg{width:100%;height:2.1rem;display:block}.r{fill:var(--before)}.c{fill:none;stroke:var(--ours);stroke-width:1.5}
.d{fill:var(--ours)}
meter{width:100%;height:.5rem;display:block}
.in{padding:.2rem .4rem 1rem}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}th,td{text-align:right;padding:.15rem .7rem .15rem 0;
border-bottom:1px solid var(--grid)}th{color:var(--quiet);font-weight:500}th:first-child,td:first-child{text-align:left}
td.t,th.t{text-align:left;min-width:8rem;max-width:44rem;overflow-wrap:anywhere}
.bar{height:.45rem;border-radius:.2rem;background:var(--grid);overflow:hidden}.bar i{display:block;height:100%;
background:var(--ours)}
[hidden]{display:none}
@media(max-width:46rem){summary{grid-template-columns:1fr 8rem}.heads{display:none}.wide{overflow-x:auto}}
@media print{.tools{display:none}}
"""

SCRIPT = """
(()=>{const q=document.getElementById("q"),s=document.getElementById("s"),n=document.getElementById("n"),
rows=[...document.querySelectorAll("details[data-n]")];
const go=()=>{const t=q.value.toLowerCase();let k=0;for(const r of rows){const on=r.dataset.n.includes(t)&&
(!s.value||r.dataset.s.split(" ").includes(s.value));r.hidden=!on;k+=on}n.textContent=k+" of "+rows.length+" shown"};
q.addEventListener("input",go);s.addEventListener("change",go);document.getElementById("tools").hidden=false;go()})()
"""


def document(title: str, body: str, *, script: bool = False) -> str:
    """A self-contained page; control characters of names and values are shown as the mark of what is unknown."""
    title, body = (_UNSEEN.sub("\ufffd", text) for text in (title, body))
    code = f"<script>{SCRIPT}</script>" if script else ""
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="color-scheme" content="light dark">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style><body><main>{body}</main>{code}</body></html>"
    )
