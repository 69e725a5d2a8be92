"""Each loader with the library it is for; a test skips where that is not installed."""

import json
import threading
from datetime import date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import polars as pl
import pytest

from finalmile.errors import ConfigError, ModelFaultError
from finalmile.forecasters.isolation import Bounds, Process
from finalmile.forecasters.loaders import loaders
from finalmile.forecasters.loaders.kept import FILES, Kept
from finalmile.forecasters.registered import Registered
from finalmile.frames import Frequency, panel_from_sales
from finalmile.serving.sandbox import Terms, try_rows

NAMES = ("a", "b", "c")
ROWS = np.random.default_rng(0).uniform(0, 5, (64, 3))
TARGET = ROWS @ np.array([1.0, 2.0, 0.5]) + 1
TERMS = Terms(bounds=Bounds(load_seconds=180, memory_mb=8192))


def kept(tmp_path, loader, *, path=None, trust=False, takes="rows", secrets=(), **settings):
    folder = tmp_path / "kept"
    (folder / FILES).mkdir(parents=True)
    loaders.make(loader, **settings).collect(path, folder / FILES)
    signature = {"features": [{"name": name} for name in NAMES] if takes == "rows" else [], "outputs": ["mean"]}
    Kept(loader=loader, settings=settings, takes=takes, signature=signature, trust=trust, secrets=secrets).write(folder)
    return folder


def test_xgboost_answers_as_its_package(tmp_path):
    xgboost = pytest.importorskip("xgboost", reason="needs: pip install xgboost")
    booster = xgboost.train({"nthread": 1}, xgboost.DMatrix(ROWS, TARGET), 20)
    booster.save_model(tmp_path / "m.json")
    answers, _ = try_rows(kept(tmp_path, "xgboost", path=tmp_path / "m.json"), ROWS, terms=TERMS)
    assert answers[:, 0] == pytest.approx(booster.predict(xgboost.DMatrix(ROWS)), rel=1e-6)


@pytest.mark.parametrize("named", [False, True])
def test_sklearn_answers_as_its_package_with_rows_or_named_columns(named, tmp_path):
    sklearn = pytest.importorskip("sklearn.ensemble", reason="needs: pip install scikit-learn")
    joblib = pytest.importorskip("joblib", reason="needs: pip install scikit-learn")
    pandas = pytest.importorskip("pandas", reason="needs: pip install pandas")
    given = pandas.DataFrame(ROWS, columns=list(NAMES)) if named else ROWS
    estimator = sklearn.GradientBoostingRegressor(n_estimators=10, random_state=0).fit(given, TARGET)
    joblib.dump(estimator, tmp_path / "m.joblib")
    settings = {"names": ",".join(NAMES)} if named else {}
    folder = kept(tmp_path, "sklearn", path=tmp_path / "m.joblib", trust=True, **settings)
    answers, _ = try_rows(folder, ROWS, terms=TERMS)
    assert answers[:, 0] == pytest.approx(estimator.predict(given), rel=1e-12)


def test_a_pickle_is_not_even_opened_without_trust(tmp_path):
    (tmp_path / "m.joblib").write_bytes(b"cos\nsystem\n(S'touch pwned'\ntR.")
    with pytest.raises(ModelFaultError, match="--trust"):
        try_rows(kept(tmp_path, "sklearn", path=tmp_path / "m.joblib"), ROWS, terms=TERMS)


def test_onnx_answers_as_the_model_it_was_made_from(tmp_path):
    pytest.importorskip("onnxruntime", reason="needs: pip install onnxruntime")
    skl2onnx = pytest.importorskip("skl2onnx", reason="needs: pip install skl2onnx")
    linear = pytest.importorskip("sklearn.linear_model", reason="needs: pip install scikit-learn")
    model = linear.LinearRegression().fit(ROWS, TARGET)
    graph = skl2onnx.to_onnx(model, ROWS[:1].astype(np.float32))
    (tmp_path / "m.onnx").write_bytes(graph.SerializeToString())
    answers, _ = try_rows(kept(tmp_path, "onnx", path=tmp_path / "m.onnx"), ROWS, terms=TERMS)
    assert answers[:, 0] == pytest.approx(model.predict(ROWS), rel=1e-5)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("how", ["folder", "alias"])
def test_mlflow_answers_as_its_package_also_by_alias(how, tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow", reason="needs: pip install mlflow")
    linear = pytest.importorskip("sklearn.linear_model", reason="needs: pip install scikit-learn")
    pandas = pytest.importorskip("pandas", reason="needs: pip install pandas")
    monkeypatch.chdir(tmp_path)
    frame = pandas.DataFrame(ROWS, columns=list(NAMES))
    model = linear.LinearRegression().fit(frame, TARGET)
    signature = mlflow.models.infer_signature(frame, TARGET)
    if how == "folder":
        mlflow.sklearn.save_model(model, str(tmp_path / "m"), signature=signature)
        folder = kept(tmp_path, "mlflow", path=tmp_path / "m", trust=True)
    else:
        uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
        mlflow.set_tracking_uri(uri)
        with mlflow.start_run():
            mlflow.sklearn.log_model(model, name="m", signature=signature, registered_model_name="demand")
        mlflow.MlflowClient().set_registered_model_alias("demand", "champion", "1")
        folder = kept(tmp_path, "mlflow", trust=True, uri="models:/demand@champion")
    answers, _ = try_rows(folder, ROWS, terms=TERMS)
    assert answers[:, 0] == pytest.approx(model.predict(frame), rel=1e-9)


def panel():
    begin, days = date(2024, 1, 1), 84
    frame = pl.DataFrame(
        {
            "unique_id": np.repeat(["x", "y"], days),
            "ds": [begin + timedelta(days=t) for t in range(days)] * 2,
            "y": np.tile(np.array([3.0, 4, 5, 6, 7, 12, 14]), 2 * days // 7) * np.repeat([1.0, 2.0], days),
        }
    )
    frequency = Frequency("day")
    return panel_from_sales(frame, frequency=frequency, cutoff=frequency.index_of(begin + timedelta(days=days - 1)))


@pytest.mark.parametrize("saved", [False, True])
def test_statsforecast_continues_a_season(saved, tmp_path):
    stats = pytest.importorskip("statsforecast", reason="needs: pip install statsforecast")
    if saved:
        models = pytest.importorskip("statsforecast.models")
        stats.StatsForecast(models=[models.SeasonalNaive(season_length=7)], freq="D").save(tmp_path / "m.pkl")
        folder = kept(tmp_path, "statsforecast_saved", path=tmp_path / "m.pkl", trust=True, takes="sales")
    else:
        folder = kept(tmp_path, "statsforecast", takes="sales", model="SeasonalNaive", season_length=7)
    model = Registered(folder)
    assert model.mean(panel(), horizon=7).tolist() == [[3, 4, 5, 6, 7, 12, 14], [6, 8, 10, 12, 14, 24, 28]]
    model.close()


def test_mlforecast_forecasts_from_the_sales_it_is_given(tmp_path):
    mlforecast = pytest.importorskip("mlforecast", reason="needs: pip install mlforecast")
    linear = pytest.importorskip("sklearn.linear_model", reason="needs: pip install scikit-learn")
    pandas = pytest.importorskip("pandas", reason="needs: pip install pandas")
    told = panel()
    begin = datetime(2024, 1, 1)
    days = [begin + timedelta(days=t) for t in range(told.length)] * 2
    frame = pandas.DataFrame(
        {"unique_id": np.repeat(["x", "y"], told.length), "ds": days, "y": told.y.ravel().astype(float)}
    )
    model = mlforecast.MLForecast(models=[linear.LinearRegression()], freq="D", lags=[7])
    model.fit(frame).save(tmp_path / "m")
    registered = Registered(kept(tmp_path, "mlforecast", path=tmp_path / "m", trust=True, takes="sales"))
    mean = registered.mean(told, horizon=7)
    assert mean == pytest.approx(told.y[:, -7:], abs=0.01)
    registered.close()


class _Answering(BaseHTTPRequestHandler):
    token = None

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        type(self).token = self.headers.get("Authorization")
        if self.path == "/v2":
            data = [sum(row) for row in asked["inputs"][0]["data"]]
            body = {"outputs": [{"name": "mean", "shape": [len(data)], "datatype": "FP64", "data": data}]}
        elif self.path == "/invocations":
            body = {"predictions": [sum(row) for row in asked["inputs"]]}
        else:
            self.send_error(503)
            return
        told = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def log_message(self, *given):
        pass


@pytest.fixture
def endpoint():
    server = HTTPServer(("127.0.0.1", 0), _Answering)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("protocol", ["v2", "invocations"])
def test_a_remote_endpoint_answers_rows_and_is_sent_its_token(protocol, endpoint, tmp_path, monkeypatch):
    monkeypatch.setenv("SHOP_TOKEN", "abc")
    settings = {"url": f"{endpoint}/{protocol}", "protocol": protocol, "token_from": "SHOP_TOKEN"}
    folder = kept(tmp_path, "remote", secrets=("SHOP_TOKEN",), **settings)
    answers, _ = try_rows(folder, ROWS, terms=TERMS)
    assert answers[:, 0] == pytest.approx(ROWS.sum(axis=1))
    assert _Answering.token == "Bearer abc"
    assert "abc" not in (folder / "serving.json").read_text()


def test_a_remote_endpoint_that_fails_is_a_fault(endpoint, tmp_path):
    with pytest.raises(ModelFaultError, match="503"):
        try_rows(kept(tmp_path, "remote", url=f"{endpoint}/nowhere"), ROWS, terms=TERMS)


def test_a_remote_address_must_be_http():
    with pytest.raises(ConfigError, match="http"):
        loaders.make("remote", url="file:" + "///etc/passwd")


@pytest.mark.parametrize("loader", ["xgboost", "onnx"])
def test_a_missing_library_is_named_with_what_to_install(loader, tmp_path):
    library = {"xgboost": "xgboost", "onnx": "onnxruntime"}[loader]
    try:
        __import__(library)
    except ModuleNotFoundError:
        ending = {"xgboost": "json", "onnx": "onnx"}[loader]
        (tmp_path / f"m.{ending}").write_text("{}")
        with pytest.raises(ModelFaultError, match=f"pip install {library}"):
            Process(kept(tmp_path, loader, path=tmp_path / f"m.{ending}"))
    else:
        pytest.skip(f"{library} is installed here")
