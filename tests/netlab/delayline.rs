// delayline: a user-space IPv4 switch over TUN devices, one per network namespace.
// Every host gets an up-link and a down-link with its own rate and a drop-tail queue;
// between them lies a fixed one-way delay and seeded random loss.
// For kernels without sch_netem. No dependencies:  rustc -O delayline.rs
// The devices carry GSO super-packets (virtio header), which are forwarded whole: a packet is up to
// gso_max_size long (the caller sets that on the device); serialisation time counts every segment's headers.
//
// delayline --delay-us N --loss P --queue-ms Q --seed S  NS:IP:UP_BIT_S:DOWN_BIT_S ...
// (rate 0 = unlimited). Prints "ready" when the devices ("tun0" in each namespace) exist;
// the caller gives them addresses. Prints counters on exit (SIGTERM) to stderr.
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::ffi::c_void;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

extern "C" {
    fn ioctl(fd: i32, req: u64, arg: *mut u8) -> i32;
    fn setns(fd: i32, kind: i32) -> i32;
    fn read(fd: i32, buf: *mut c_void, n: usize) -> isize;
    fn write(fd: i32, buf: *const c_void, n: usize) -> isize;
    fn ppoll(fds: *mut PollFd, n: u64, ts: *const Ts, mask: *const c_void) -> i32;
    fn fcntl(fd: i32, cmd: i32, arg: i32) -> i32;
    fn prctl(op: i32, a: u64, b: u64, c: u64, d: u64) -> i32;
    fn signal(sig: i32, h: extern "C" fn(i32)) -> usize;
}
#[repr(C)]
struct PollFd {
    fd: i32,
    events: i16,
    revents: i16,
}
#[repr(C)]
struct Ts {
    s: i64,
    ns: i64,
}

static STOP: AtomicBool = AtomicBool::new(false);
extern "C" fn on_term(_: i32) {
    STOP.store(true, Ordering::SeqCst);
}

const VH: usize = 10; // virtio_net_hdr

struct Host {
    _f: std::fs::File,
    fd: i32,
    up: f64,
    down: f64,
    up_free: u64,
    down_free: u64,
    tx: u64,
    rx: u64,
    drop_up: u64,
    drop_down: u64,
    lost: u64,
}

fn main() {
    let (mut delay, mut loss, mut queue_ns, mut seed) = (0u64, 0f64, 50_000_000u64, 1u64);
    let mut specs = Vec::new();
    let mut a = std::env::args().skip(1);
    while let Some(x) = a.next() {
        let mut v = || a.next().expect("value");
        match x.as_str() {
            "--delay-us" => delay = v().parse::<u64>().unwrap() * 1000,
            "--loss" => loss = v().parse().unwrap(),
            "--queue-ms" => queue_ns = v().parse::<u64>().unwrap() * 1_000_000,
            "--seed" => seed = v().parse().unwrap(),
            _ => specs.push(x),
        }
    }
    let home = std::fs::File::open("/proc/self/ns/net").unwrap();
    let mut hosts: Vec<Host> = Vec::new();
    let mut by_ip: HashMap<u32, usize> = HashMap::new();
    for s in &specs {
        let p: Vec<&str> = s.split(':').collect();
        let ns = std::fs::File::open(format!("/var/run/netns/{}", p[0])).expect("netns");
        let f;
        unsafe {
            assert_eq!(setns(ns.as_raw_fd(), 0x4000_0000), 0, "setns");
            f = std::fs::OpenOptions::new().read(true).write(true).open("/dev/net/tun").expect("tun");
            let mut ifr = [0u8; 40];
            ifr[..4].copy_from_slice(b"tun0");
            ifr[16..18].copy_from_slice(&0x5001u16.to_ne_bytes()); // IFF_TUN | IFF_NO_PI | IFF_VNET_HDR
            assert_eq!(ioctl(f.as_raw_fd(), 0x4004_54ca, ifr.as_mut_ptr()), 0, "TUNSETIFF");
            assert_eq!(ioctl(f.as_raw_fd(), 0x4004_54d0, 0x3 as *mut u8), 0, "TUNSETOFFLOAD"); // CSUM | TSO4
            fcntl(f.as_raw_fd(), 4, 0o4000); // O_NONBLOCK
            assert_eq!(setns(home.as_raw_fd(), 0x4000_0000), 0);
        }
        let ip: std::net::Ipv4Addr = p[1].parse().unwrap();
        by_ip.insert(u32::from(ip), hosts.len());
        hosts.push(Host {
            fd: f.as_raw_fd(),
            _f: f,
            up: p[2].parse().unwrap(),
            down: p[3].parse().unwrap(),
            up_free: 0,
            down_free: 0,
            tx: 0,
            rx: 0,
            drop_up: 0,
            drop_down: 0,
            lost: 0,
        });
    }
    unsafe {
        prctl(29, 1, 0, 0, 0);
        signal(15, on_term);
        signal(2, on_term);
    } // PR_SET_TIMERSLACK 1 ns
    println!("ready");
    std::io::stdout().flush().unwrap();

    let t0 = Instant::now();
    let now = || t0.elapsed().as_nanos() as u64;
    // bytes on the wire and number of segments of a packet that begins with a virtio_net_hdr
    let wire = |p: &[u8]| -> (usize, u32) {
        let len = p.len() - VH;
        let (hdr, gso) =
            (u16::from_ne_bytes([p[2], p[3]]) as usize, u16::from_ne_bytes([p[4], p[5]]) as usize);
        if p[1] == 0 || gso == 0 || len <= hdr {
            return (len + 14, 1);
        }
        let n = (len - hdr).div_ceil(gso).max(1);
        (len + (n - 1) * hdr + n * 14, n as u32)
    };
    let ser = |bytes: usize, rate: f64| if rate <= 0.0 { 0 } else { (bytes as f64 * 8e9 / rate) as u64 };
    // (time, sequence, host, deliver?, slot)
    let mut heap: BinaryHeap<Reverse<(u64, u64, usize, bool, usize)>> = BinaryHeap::new();
    let mut slots: Vec<Vec<u8>> = Vec::new();
    let mut free: Vec<usize> = Vec::new();
    let mut seq = 0u64;
    let mut rng = seed | 1;
    let mut buf = vec![0u8; 65536 + VH];
    let mut fds: Vec<PollFd> = hosts.iter().map(|h| PollFd { fd: h.fd, events: 1, revents: 0 }).collect();
    let mut quiet = 0u32;
    while !STOP.load(Ordering::Relaxed) {
        let mut t = now();
        while let Some(&Reverse((at, _, h, deliver, slot))) = heap.peek() {
            if at > t {
                break;
            }
            heap.pop();
            if deliver {
                let p = &slots[slot];
                unsafe {
                    write(hosts[h].fd, p.as_ptr() as *const c_void, p.len());
                }
                hosts[h].rx += p.len() as u64;
                free.push(slot);
            } else {
                let hh = &mut hosts[h];
                if hh.down_free > at + queue_ns {
                    hh.drop_down += 1;
                    free.push(slot);
                    continue;
                }
                hh.down_free = hh.down_free.max(at) + ser(wire(&slots[slot]).0, hh.down);
                seq += 1;
                heap.push(Reverse((hh.down_free, seq, h, true, slot)));
            }
            t = now();
        }
        let mut any = false;
        for i in 0..hosts.len() {
            for _ in 0..64 {
                let n = unsafe { read(hosts[i].fd, buf.as_mut_ptr() as *mut c_void, buf.len()) };
                if n < 20 + VH as isize {
                    break;
                }
                any = true;
                let n = n as usize;
                if buf[VH] >> 4 != 4 {
                    continue;
                }
                let dst = u32::from_be_bytes([buf[VH + 16], buf[VH + 17], buf[VH + 18], buf[VH + 19]]);
                let Some(&j) = by_ip.get(&dst) else { continue };
                let t = now();
                let h = &mut hosts[i];
                if h.up_free > t + queue_ns {
                    h.drop_up += 1;
                    continue;
                }
                let (bytes, segs) = wire(&buf[..n]);
                h.up_free = h.up_free.max(t) + ser(bytes, h.up);
                h.tx += n as u64;
                rng ^= rng << 13;
                rng ^= rng >> 7;
                rng ^= rng << 17;
                if loss > 0.0
                    && ((rng >> 11) as f64) / ((1u64 << 53) as f64) < 1.0 - (1.0 - loss).powi(segs as i32)
                {
                    h.lost += 1;
                    continue;
                }
                let slot = free.pop().unwrap_or_else(|| {
                    slots.push(Vec::new());
                    slots.len() - 1
                });
                slots[slot].clear();
                slots[slot].extend_from_slice(&buf[..n]);
                seq += 1;
                heap.push(Reverse((h.up_free + delay, seq, j, false, slot)));
            }
        }
        // a 1 ms tick while there is traffic (cheap: no wake-up per packet), else wait for the first packet
        if any || !heap.is_empty() {
            quiet = 0;
        } else {
            quiet += 1;
        }
        let (count, ns) = if quiet < 50 { (0, 1_000_000) } else { (fds.len() as u64, 100_000_000) };
        unsafe {
            ppoll(fds.as_mut_ptr(), count, &Ts { s: 0, ns }, std::ptr::null());
        }
    }
    for (h, s) in hosts.iter().zip(&specs) {
        eprintln!(
            "{s} tx={} rx={} drop_up={} drop_down={} lost={}",
            h.tx, h.rx, h.drop_up, h.drop_down, h.lost
        );
    }
}
