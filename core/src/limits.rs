//! One table of limits, each with its reason. Every value can be set by the operator.

use core::time::Duration;

/// What a server grants and expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From accepting a connection to the first word of its client, which no person types: handshakes are done.
    pub hello_deadline: Duration,
    /// From accepting a connection to a complete login. A person types a password in it twice over.
    pub login_deadline: Duration,
    /// A connection from which nothing came for so long is lost. Clients keep alive every 25 s.
    pub silence: Duration,
    /// How long a silent older session has to answer when the right password arrives for its user.
    pub probe: Duration,
    /// Connections before login, all together; the oldest makes way. A quarter of the descriptors at most.
    pub greeting_max: usize,
    /// Connections that may come at once from one address: a company after a power cut.
    pub address_connects_burst: u32,
    /// Connections a second from one address afterwards: of a computer that only connects, the server's
    /// handshakes take a hundredth of its time.
    pub address_connects_per_second: u32,
    /// Login attempts that may come at once from one address.
    pub address_attempts_burst: u32,
    /// Login attempts a second from one address afterwards: a hashed password takes some 20 ms.
    pub address_attempts_per_second: u32,
    /// Addresses whose share is counted; a hundred bytes each.
    pub addresses_max: usize,
    /// Login attempts that wait for the one under way, an account. More are told to come later.
    pub attempts_waiting_max: usize,
    /// Passwords that are being checked or wait for it, all accounts together. A check of a hashed password
    /// takes some 20 ms of a core, so on two cores the last waits less than a second; more are told to come
    /// later.
    pub verify_waiting_max: usize,
    /// Devices of one user that are remembered, the latest: more than anybody uses.
    pub devices_max: usize,
    /// Accounts of unknown names that are remembered; they must look like known ones, but not without end.
    pub strangers_max: usize,
    /// Commands that may come at once before a user is slowed down: a large paste.
    pub commands_burst: u32,
    /// Commands a second afterwards: faster than anybody types, slower than a machine floods.
    pub commands_per_second: u32,
    /// So many recipients of a broadcast cost its sender as much as a command: one person must not keep a large
    /// team's server busy.
    pub broadcast_recipients_per_command: usize,
    /// Requests a client may have under way; PROTOCOL.md promises it to servers.
    pub under_way_max: usize,
    /// How long two who are introduced to each other may take to connect; behaviour.md names it.
    pub call_window: Duration,
    /// How long an owner of files may take to answer; behaviour.md names it.
    pub answer_window: Duration,
    /// Files that are kept for one connection, all its answers together: more than anybody reads, and a bound on
    /// memory.
    pub findings_max: usize,
    /// Bytes a peer has not read above which its own requests and its mail wait.
    pub unread_soft_bytes: u32,
    /// Bytes a peer has not read above which it is cut; its mail stays.
    pub unread_hard_bytes: u32,
    /// How long a peer with unread bytes may take none of them before it is cut.
    pub unread_stuck: Duration,
    /// Presence changes in one window go out as one list. Below what a person notices.
    pub presence_window: Duration,
    /// Presence changes of one user that are told at once within `presence_calm`.
    pub presence_burst: usize,
    /// Without a change for so long, a user's changes are told at once again.
    pub presence_calm: Duration,
    /// How often the net effect of a restless user is told.
    pub presence_tick: Duration,
    /// Letters one mailbox holds.
    pub mailbox_letters_max: usize,
    /// Bytes of text one mailbox holds.
    pub mailbox_bytes_max: usize,
    /// One sender may fill this part (one n-th) of a mailbox.
    pub mailbox_sender_part: usize,
    /// Bytes of mail on their way to one client that it has not acknowledged.
    pub mail_window_bytes: usize,
    /// Bytes of mail that are loaded from the store at once.
    pub page_bytes: usize,
    /// How long the first write of a group commit waits for company.
    pub commit_delay: Duration,
    /// Bytes of one group commit.
    pub commit_bytes_max: usize,
    /// How long the machine waits before it asks again a store that failed to answer.
    pub store_retry: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            hello_deadline: Duration::from_secs(10),
            login_deadline: Duration::from_secs(60),
            silence: Duration::from_secs(30),
            probe: Duration::from_secs(3),
            greeting_max: 1024,
            address_connects_burst: 2_000,
            address_connects_per_second: 50,
            address_attempts_burst: 2_000,
            address_attempts_per_second: 10,
            addresses_max: 10_000,
            attempts_waiting_max: 64,
            verify_waiting_max: 64,
            devices_max: 16,
            strangers_max: 10_000,
            commands_burst: 2_000,
            commands_per_second: 500,
            broadcast_recipients_per_command: 50,
            under_way_max: 2 * UNDER_WAY_MAX,
            call_window: Duration::from_secs(10),
            answer_window: Duration::from_secs(2),
            findings_max: 65_536,
            unread_soft_bytes: 64 * 1024,
            unread_hard_bytes: 256 * 1024,
            unread_stuck: Duration::from_secs(10),
            presence_window: Duration::from_millis(50),
            presence_burst: 6,
            presence_calm: Duration::from_secs(10),
            presence_tick: Duration::from_secs(2),
            mailbox_letters_max: 10_000,
            mailbox_bytes_max: 16 * 1024 * 1024,
            mailbox_sender_part: 10,
            mail_window_bytes: 64 * 1024,
            page_bytes: 64 * 1024,
            commit_delay: Duration::from_millis(2),
            commit_bytes_max: 1024 * 1024,
            store_retry: Duration::from_millis(200),
        }
    }
}

/// Failed logins in a row that lock an account.
pub const FAILURES_MAX: u8 = 3;
/// Bytes of one text.
pub const TEXT_MAX: usize = 16 * 1024;
/// Bytes of one typed line.
pub const LINE_MAX: usize = 64 * 1024;
/// Bytes of a password; a longer one is wrong.
pub const PASSWORD_MAX: usize = 1024;
/// How long a client waits for somebody to whom it was introduced.
pub const CALL_MAX: Duration = Duration::from_secs(10);
/// Requests that a client has under way for its person, and as many of its own accord.
pub const UNDER_WAY_MAX: usize = 64;
/// How often a client that says nothing else says that it is there.
pub const KEEP_ALIVE: Duration = Duration::from_secs(25);
