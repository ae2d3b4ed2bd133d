-- Lets the role of an audit server do what it has to do in tables that another role owns, and nothing else: rows of the logs
-- are added, and never changed or removed, whatever becomes of the server.
--
--   psql "$OWNER_URL" -v server=audit -f postgres-grants.sql
--
-- The tables are made by the first start of a server with the owner's address.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO :"server";
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO :"server";
GRANT SELECT ON ALL TABLES IN SCHEMA public TO :"server";

-- The logs.
GRANT INSERT ON terms, called, writers, events, checkpoints, kube_calls TO :"server";
-- What is taken away where the time of an event is over; its hashes stay, and triggers refuse all else.
GRANT UPDATE ("text", content, subject_id, subject_type, subject_name, ip_address, space_id, space_name, target_id, target_name,
    target_type, target_user, environment_id, environment_name, "action", node_id, is_admin, evaluation) ON events TO :"server";

-- Recordings: what is left of one that was deleted stays.
GRANT INSERT, UPDATE ON recordings TO :"server";
GRANT INSERT, UPDATE, DELETE ON recording_objects, recording_tail, output_blocks, output_text, films, film_scenes TO :"server";

-- Who and what there is: of what is deleted the row stays.
GRANT INSERT, UPDATE ON organizations, subjects, environments, targets, spaces, connections TO :"server";
GRANT INSERT, UPDATE, DELETE ON keys, sign_ins, links, connection_marks TO :"server";
