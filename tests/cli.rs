//! The program `backstory`, driven as a user would.
