-- What these indexes consist of is merged between transactions, not within one.
INSERT INTO events_text (events_text, rank) VALUES ('automerge', 0);
INSERT INTO output_text (output_text, rank) VALUES ('automerge', 0);
