-- What these indexes consist of is merged between transactions, not within one: SQLite may do it where there are very many parts.
INSERT INTO events_text (events_text, rank) VALUES ('automerge', 0), ('crisismerge', 64);
INSERT INTO output_text (output_text, rank) VALUES ('automerge', 0), ('crisismerge', 64);
