-- Calls of Kubernetes that are in the log: SHA-256 of what says which call it is.
CREATE TABLE kube_calls (call BLOB NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;
