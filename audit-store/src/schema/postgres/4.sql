-- Calls of Kubernetes that are in the log: SHA-256 of what says which call it is.
CREATE TABLE kube_calls (call BYTEA NOT NULL PRIMARY KEY);
