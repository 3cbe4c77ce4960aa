//! What a download wants done.

/// An order to whoever holds the connections. `K` names an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order<K> {
    /// Tell this owner that we would take chunks, whichever.
    Bid {
        /// Whom.
        owner: K,
        /// How many chunks we would take from him: this word replaces the last one.
        wants: u32,
        /// How many chunks we have or are being sent.
        has: u32,
        /// We want nothing of what he has now: only when he has got something more.
        later: bool,
    },
    /// Answer his grant: send this chunk.
    Choose {
        /// Whom.
        owner: K,
        /// Which.
        chunk: u32,
    },
    /// Answer his grant: nothing now.
    Return {
        /// Whom.
        owner: K,
    },
    /// We do not need this chunk of him any more; what is still under way is thrown away.
    Cancel {
        /// Whom.
        owner: K,
        /// Which.
        chunk: u32,
    },
    /// This chunk is asked of nobody any more, and still missing: the tracker may want to know.
    Dropped {
        /// Which.
        chunk: u32,
    },
    /// He sent a wrong chunk: end the connection for this content, he is not asked again.
    Bar {
        /// Who.
        owner: K,
    },
    /// He did not give what he said he has: worth a report to the tracker.
    Doubt {
        /// Who.
        owner: K,
        /// What.
        chunk: u32,
    },
    /// He has failed several times: end the connection for now, and call another.
    Replace {
        /// Who.
        owner: K,
    },
    /// For 30 s nobody has had anything that is missing here: the download ends, what is here stays.
    GiveUp,
}
