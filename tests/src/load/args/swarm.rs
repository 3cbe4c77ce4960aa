//! What can be said about a swarm on the command line.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use clap::Args as ClapArgs;

#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct Swarm {
    /// Clients that fetch the file
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=200))]
    pub(crate) leechers: u32,
    /// Bytes of the file; K, M and G are powers of 1,024
    #[arg(long, default_value = "64M", value_parser = size)]
    pub(crate) size: u64,
    /// The client to start; default: `client` beside this program
    #[arg(long, value_name = "PATH")]
    pub(crate) client: Option<PathBuf>,
    /// How the clients choose the next chunk
    #[arg(long, value_name = "POLICY")]
    pub(crate) picker: Option<String>,
    /// Where the folders of all programs are made; default: a file system in memory, if there is one
    #[arg(long, value_name = "FOLDER")]
    pub(crate) dir: Option<PathBuf>,
    /// Milliseconds between two commands; 0 is all at once
    #[arg(long, value_name = "MS", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=600_000))]
    pub(crate) stagger: u64,
    /// Kill the last leecher once it has so many thousandths of the file
    #[arg(long, value_name = "PERMILLE", value_parser = clap::value_parser!(u64).range(..=999))]
    pub(crate) kill_leecher_at: Option<u64>,
    /// Kill the seeder once it has sent so many thousandths of the file
    #[arg(long, value_name = "PERMILLE", value_parser = clap::value_parser!(u64).range(..=100_000))]
    pub(crate) kill_seeder_at: Option<u64>,
    /// Words that start each program, as `ip netns exec sw{i}`: {i} is 0 for the server, 1 for the seeder
    #[arg(long, value_name = "WORDS", default_value = "")]
    pub(crate) exec: String,
    /// Where the server listens, as its clients name it
    #[arg(long, value_name = "ADDR", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub(crate) server_address: IpAddr,
    /// Print on stderr how far everybody is, as often
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(20..=60_000))]
    pub(crate) trace: Option<u64>,
}

impl Swarm {
    /// The words that start the program with this number.
    pub(crate) fn words(&self, number: usize) -> Vec<String> {
        let number = number.to_string();
        self.exec.split_ascii_whitespace().map(|word| word.replace("{i}", &number)).collect()
    }
}

/// A size such as `64M`.
fn size(text: &str) -> Result<u64, &'static str> {
    const WRONG: &str = "it is a number that may end in K, M or G, at least one byte";
    let (digits, shift) = match text.as_bytes().last() {
        Some(b'K') => (&text[..text.len() - 1], 10),
        Some(b'M') => (&text[..text.len() - 1], 20),
        Some(b'G') => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    let number: u64 = digits.parse().map_err(|_| WRONG)?;
    number.checked_mul(1 << shift).filter(|bytes| *bytes > 0).ok_or(WRONG)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        swarm: Swarm,
    }

    fn parse(words: &[&str]) -> Result<Swarm, clap::Error> {
        let line = Line::try_parse_from(["load"].iter().chain(words))?;
        Ok(line.swarm)
    }

    #[test]
    fn sizes_have_suffixes() {
        for (text, bytes) in [("1", 1), ("3K", 3_072), ("64M", 67_108_864), ("1G", 1 << 30)] {
            assert_eq!(size(text), Ok(bytes));
        }
        for text in ["", "0", "M", "-1", "1.5M", "1T", "1m", "20000000000G"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_program_is_started_by_words() {
        let swarm = parse(&["--exec", "ip netns exec sw{i}"]).expect("a command line");
        assert_eq!(swarm.words(3), ["ip", "netns", "exec", "sw3"]);
        assert!(parse(&[]).expect("a command line").words(0).is_empty());
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for words in [["--leechers", "0"], ["--size", "0"], ["--kill-leecher-at", "1000"], ["--trace", "1"]] {
            assert!(parse(&words).is_err(), "{words:?}");
        }
    }
}
