//! Floor 1: all SQL and transactions in the domain's words.
