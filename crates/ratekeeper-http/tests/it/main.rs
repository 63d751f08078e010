//! Who is asking, and what the client is told.
