//! Talks to an audit server over HTTP: uploads recordings, reads logs.
