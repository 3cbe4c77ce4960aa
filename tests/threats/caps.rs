//! Registering without end: whatever a peer can make a server remember has a bound.

use std::time::Duration;

use allocation_counter::measure;
use starling_core::id::{MsgId, RequestId};
use starling_core::limits::Limits;
use starling_core::pattern::Pattern;
use starling_core::swarm::{Bitmap, ChunkBounds, Content, ContentId, TrackerLimits};
use starling_core::wire::{
    Found, LoginRefusal, Offers, Outcome, PeerFault, Refusal, Request, ServerFrame, Share,
};

use crate::support::frames::{message, offer, text_of};
use crate::support::house::{House, PASSWORD, encoded, name_of, outcome, patient};

/// Registrations of each kind, twice over.
const REGISTRATIONS: u32 = 500_000;
/// What as many registrations again may leave behind: lists that grow by doubling, trees with room in them.
const SLACK_BYTES: i64 = 256 * 1024;

/// After as many registrations as there may be, as many again leave nothing behind.
fn assert_bounded(what: &str, mut register: impl FnMut(u32)) {
    (0..REGISTRATIONS).for_each(&mut register);
    let used = measure(|| (REGISTRATIONS..2 * REGISTRATIONS).for_each(&mut register));
    assert!(used.bytes_current <= SLACK_BYTES, "{what}: {} bytes more", used.bytes_current);
}

/// Unknown names fail without end: so many are remembered, in memory and on the disk.
#[test]
fn t57_unknown_accounts_have_a_bound() {
    let mut house = House::with(patient(), &["hans"]);
    assert_bounded("unknown accounts", |number| {
        let conn = house.greeted();
        house.knock(conn, format!("nobody{number}").as_bytes(), b"guess");
        house.pass(Duration::from_millis(5));
        house.forget(conn);
        house.verified.clear();
    });
    let most = Limits::default().strangers_max;
    assert!(house.store.failures.len() <= most, "{} on the disk", house.store.failures.len());
}

/// Names with the same beginning, as long as an account is remembered by: they are found as fast as any others,
/// because they are kept in order and not by a hash, and they too have a bound.
#[test]
fn t56_chosen_names_cost_no_more_than_others() {
    let mut house = House::with(patient(), &["hans"]);
    assert_bounded("chosen names", |number| {
        let conn = house.greeted();
        house.knock(conn, format!("{:a<40}{number:08}{:b<900}", "", "").as_bytes(), b"guess");
        house.pass(Duration::from_millis(5));
        house.forget(conn);
        house.verified.clear();
    });
}

/// Blocks of everybody there is, of nobody there is, done and undone.
#[test]
fn t57_blocks_have_a_bound() {
    let names: Vec<String> = (0..500).map(|number| format!("user{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut house = House::with(patient(), &names);
    let conn = house.login("user0");
    let mut blocked = 0;
    assert_bounded("blocks", |number| {
        let request = RequestId(number);
        let whom = match number % 3 {
            0 => name_of(&format!("nobody{number}")),
            _ => name_of(&format!("user{}", number % 1_000)),
        };
        let wish = match number % 7 {
            0 => Request::Unblock { request, whom },
            _ => Request::Block { request, whom },
        };
        blocked += u32::from(outcome(&house.asked(conn, &wish), number) == Some(Outcome::Accepted));
    });
    assert!(blocked > 400);
}

/// Blocks that come faster than they are stored: as many as a client may have under way, then a fault.
#[test]
fn t57_commands_under_way_have_a_bound() {
    let most = Limits::default().under_way_max;
    for extra in [0, 1] {
        let mut house = House::with(patient(), &["hans", "luke", "yoda"]);
        let hans = house.login("hans");
        let flood: Vec<u8> = (0..u32::try_from(most + extra).expect("few"))
            .map(|number| Request::Block {
                request: RequestId(number),
                whom: name_of(["luke", "yoda"][number as usize % 2]),
            })
            .flat_map(|request| encoded(&request.frame()))
            .collect();
        house.bytes(hans, flood);
        let fault = house.take(hans).contains(&ServerFrame::Fault(PeerFault::TooMany));
        assert_eq!((fault, house.is_closed(hans)), (extra > 0, extra > 0));
    }
}

/// One message after the other, each from another instance of the sender's client.
#[test]
fn t57_marks_have_a_bound() {
    let mut house = House::with(patient(), &["hans", "luke"]);
    let (hans, luke) = (house.login("hans"), house.login("luke"));
    assert_bounded("marks", |number| {
        let id = MsgId { instance: u64::from(number), counter: 1 };
        let said =
            Request::Message { request: RequestId(number), id, to: name_of("luke"), text: text_of("x") };
        house.ask(hans, &said);
        for frame in house.take(luke) {
            if let ServerFrame::Mail { seq, .. } = frame {
                house.ask(luke, &Request::Ack { seq });
            }
        }
        house.pass(Duration::from_millis(5));
        assert_eq!(outcome(&house.take(hans), number), Some(Outcome::Accepted));
    });
}

/// A mailbox that is full answers so, and remembers nothing of what it refused.
#[test]
fn t57_refused_letters_leave_nothing_behind() {
    let mut house = House::with(patient(), &["hans", "luke"]);
    let hans = house.login("hans");
    assert_bounded("refused letters", |number| {
        let request = message(number + 1, "luke", "x");
        let answer = outcome(&house.asked(hans, &request), number + 1);
        assert!(number < 1_000 || answer == Some(Outcome::Refused(Refusal::MailboxFull)));
    });
}

/// Attempts that wait for the one under way: so many, then the server is busy.
#[test]
fn t57_waiting_attempts_have_a_bound() {
    let mut house = House::with(patient(), &["hans"]);
    house.verdicts = Some(Vec::new());
    let most = Limits::default().attempts_waiting_max;
    for place in 0..most + 50 {
        let conn = house.greeted();
        house.knock(conn, b"hans", PASSWORD.as_bytes());
        let answer = house.take(conn);
        let busy = [ServerFrame::LoginRefused(LoginRefusal::Busy)];
        assert_eq!(answer, if place > most { &busy[..] } else { &[] }, "{place}");
    }
}

/// Connections that do not log in: so many, then the oldest makes way. Those who are logged in notice nothing.
#[test]
fn t57_connections_before_login_have_a_bound() {
    let mut house = House::with(patient(), &["hans"]);
    let hans = house.login("hans");
    let most = Limits::default().greeting_max;
    let conns: Vec<_> = (0..3 * most).map(|_| house.open()).collect();
    let open = conns.iter().filter(|conn| !house.is_closed(**conn)).count();
    assert!(open <= most, "{open} are open");
    for (place, conn) in conns.iter().enumerate() {
        assert_eq!(house.is_closed(*conn), place < conns.len() - open, "the oldest makes way");
    }
    assert!(!house.is_closed(hans));
    house.pass(Limits::default().login_deadline);
    assert!(conns.iter().all(|conn| house.is_closed(*conn)), "nobody waits for ever");
}

/// Coming and going without end: who was there is remembered once, however often he was.
#[test]
fn t57_comings_and_goings_have_a_bound() {
    let mut house = House::with(patient(), &["hans", "luke"]);
    let luke = house.login("luke");
    assert_bounded("comings and goings", |_| {
        let hans = house.greeted();
        house.knock(hans, b"hans", PASSWORD.as_bytes());
        house.pass(Duration::from_millis(20));
        house.forget(hans);
        house.take_frames(luke);
        house.verified.clear();
    });
}

/// Offers that nobody asked for, or that come again.
#[test]
fn t57_unasked_offers_leave_nothing_behind() {
    let mut house = House::with(patient(), &["hans"]);
    let hans = house.login("hans");
    assert_bounded("unasked offers", |number| {
        let offers = Offers {
            question: number,
            last: number % 2 == 0,
            indexing: false,
            offers: vec![offer("a"), offer("b")],
        };
        assert_eq!(house.asked(hans, &Request::Offers(offers)), []);
    });
}

/// Questions that nobody answers: each is over after two seconds.
#[test]
fn t57_questions_have_a_bound() {
    let mut house = House::with(patient(), &["hans", "luke"]);
    let (hans, luke) = (house.login("hans"), house.login("luke"));
    let mut answered = 0;
    assert_bounded("questions", |number| {
        house.ask(hans, &Request::Files { request: RequestId(number), pattern: Pattern::any() });
        house.pass(Duration::from_millis(5));
        house.take_frames(luke);
        let found = |frame: &ServerFrame| matches!(frame, ServerFrame::Found(_));
        answered += house.take(hans).iter().filter(|frame| found(frame)).count();
    });
    assert!(answered > REGISTRATIONS as usize, "{answered}");
}

/// Long answers of which nobody reads more than the first page: so many files are kept for a connection, and none
/// when it is gone.
#[test]
fn t57_answers_that_are_not_read_have_a_bound() {
    let mut config = patient();
    config.limits.findings_max = 4 * Found::PAGE_MAX;
    let mut house = House::with(config, &["hans", "luke"]);
    let luke = house.login("luke");
    let mut hans = house.login("hans");
    let page: Vec<_> = (0..Found::PAGE_MAX).map(|number| offer(&format!("file{number}"))).collect();
    let flood = |house: &mut House, hans, number| {
        house.ask(hans, &Request::Files { request: RequestId(number), pattern: Pattern::any() });
        for conn in [luke, hans] {
            let question = house.take(conn).into_iter().find_map(|frame| match frame {
                ServerFrame::Ask { question, .. } => Some(question),
                _ => None,
            });
            for last in [false, false, true] {
                let offers = if conn == luke { page.clone() } else { Vec::new() };
                let question = question.expect("everybody is asked");
                house.ask(conn, &Request::Offers(Offers { question, last, indexing: false, offers }));
            }
        }
        house.take_frames(hans);
        house.pass(Duration::from_millis(5));
    };
    (0..500).for_each(|number| flood(&mut house, hans, number));
    let used = measure(|| (500..10_000).for_each(|number| flood(&mut house, hans, number)));
    assert!(used.bytes_current <= SLACK_BYTES, "{} bytes more", used.bytes_current);
    let used = measure(|| {
        for number in 0..200 {
            house.forget(hans);
            house.verified.clear();
            house.take_frames(luke);
            hans = house.login("hans");
            flood(&mut house, hans, number);
        }
    });
    assert!(used.bytes_current <= SLACK_BYTES, "{} bytes more after logins", used.bytes_current);
}

/// A file with so many chunks, and everything of it.
fn share(number: u32, chunks: u32, watches: bool) -> Request {
    let mut id = [0; ContentId::BYTES];
    id[..4].copy_from_slice(&number.to_be_bytes());
    let size = u64::from(chunks) * ChunkBounds::USUAL.min;
    let content = Content { id: ContentId(id), size };
    Request::Share(Share { content, watches, held: Bitmap::all(chunks) })
}

/// A team with its files.
#[test]
fn t57_fifty_who_have_a_hundred_files_each_fit() {
    let names: Vec<String> = (0..50).map(|number| format!("user{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut house = House::with(patient(), &names);
    let conns: Vec<_> = names.iter().map(|name| house.login(name)).collect();
    let used = measure(|| {
        for conn in &conns {
            (0..100).for_each(|number| house.ask(*conn, &share(number, 1_000, false)));
            house.pass(Duration::from_secs(1));
        }
    });
    assert!(used.bytes_current < 8 * 1024 * 1024, "{} bytes", used.bytes_current);
    for number in 0..100 {
        house.take_frames(conns[0]);
        let owners: usize = house.asked(conns[0], &share(number, 1_000, true)).into_iter().map(came).sum();
        assert_eq!(owners, 49, "everybody was heard");
    }
}

fn came(frame: ServerFrame) -> usize {
    match frame {
        ServerFrame::Swarm(page) => page.came.len(),
        _ => 0,
    }
}

/// Half a million files, small ones and usual ones, offered and fetched: what is remembered of them is bounded, whatever they cost.
#[test]
fn t57_shares_have_a_bound() {
    let names: Vec<String> = (0..20).map(|number| format!("user{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let most = i64::try_from(TrackerLimits::default().bytes_max).expect("not so much");
    for (chunks, watches) in [(0, false), (1, true), (1_024, false), (1_024, true)] {
        let mut house = House::with(patient(), &names);
        let conns: Vec<_> = names.iter().map(|name| house.login(name)).collect();
        let used = measure(|| {
            for number in 0..REGISTRATIONS {
                let conn = conns[number as usize % conns.len()];
                house.ask(conn, &share(number, chunks, watches));
                house.take_frames(conn);
                if number % 100 == 0 {
                    house.pass(Duration::from_secs(1));
                }
            }
        });
        assert!(used.bytes_current < most, "{} bytes for files of {chunks} chunks", used.bytes_current);
    }
}
