"""The one annotation store: tasks, leases and answers in SQLite; Prodigy's JSONL in and out."""
