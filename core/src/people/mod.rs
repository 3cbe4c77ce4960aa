//! Organs of what people are to each other: each decides one thing and knows no other.

pub mod blocklist;
pub mod churn;
pub mod mailbox;
pub mod marks;
