-- Calls of Kubernetes that are in the log: SHA-256 of what says which call it is.
CREATE TABLE kube_calls (call BYTEA NOT NULL PRIMARY KEY);

-- Keys and spaces are listed by name.
CREATE INDEX keys_by_name ON keys (name, id);
CREATE INDEX spaces_by_name ON spaces (name, id);
CREATE INDEX spaces_of_owner ON spaces (owner, name, id);
