"""One machine: a SQLite ledger and a folder of Parquet segments."""
