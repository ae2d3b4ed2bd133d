//! The review, driven by keys, drawn as text.
