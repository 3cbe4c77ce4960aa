#!/usr/bin/env python3
"""Runs `load swarm` in namespaces with rates and a delay, and sets its wall time against the least that there can be.

  swarm.py [--rate 50] [--leecher-up R] [--delay 20] [--leechers 8] [--size 64M] [--load target/release/load]
           [-- OPTIONS OF load swarm ...]

Prints the line of `load swarm` with three more figures: least_ms, which is
D = max(F / u_seed, F / d_min, N F / (u_seed + sum of u_i)) at the raw rates of the links; over_least, the wall time
as a multiple of it; and load_1m, how busy the machine was. The server has no limits. Needs what netlab.py needs.

All programs get the highest priority, so that others on the machine delay nothing: what is measured is the network.
"""
import argparse, json, os, signal, subprocess, sys, tempfile

from netlab import HERE, NetLab, prio

def size_of(text):
    return int(text.rstrip("KMG")) << {"K": 10, "M": 20, "G": 30}.get(text[-1], 0)

def least_s(size, seed_up, ups, down):
    """D for links of so many bits a second."""
    bits, n = 8 * size, len(ups)
    return max(bits / seed_up, bits / down, n * bits / (seed_up + sum(ups)))

def main():
    av, tail = sys.argv[1:], []
    if "--" in av:
        k = av.index("--"); av, tail = av[:k], av[k+1:]
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--rate", type=float, default=50); ap.add_argument("--leecher-up", type=float)
    ap.add_argument("--delay", type=float, default=20); ap.add_argument("--loss", type=float, default=0)
    ap.add_argument("--leechers", type=int, default=8); ap.add_argument("--size", default="64M")
    ap.add_argument("--queue", type=int, default=50); ap.add_argument("--cc", default="cubic")
    ap.add_argument("--sysctl", action="append", default=[], help="KEY=VALUE in every host")
    ap.add_argument("--load", default=os.path.join(HERE, "../../target/release/load"))
    o = ap.parse_args(av)
    up = o.leecher_up or o.rate
    rates = {0: (0, 0), **{i: (up, o.rate) for i in range(2, 2 + o.leechers)}}
    least = least_s(size_of(o.size), o.rate * 1e6, [up * 1e6] * o.leechers, o.rate * 1e6)
    lab = NetLab(f"sw{os.getpid()}x")
    folder = tempfile.TemporaryDirectory(prefix="swarm-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
    try:
        lab.up(2 + o.leechers, o.rate, delay=o.delay, loss=o.loss, queue=o.queue, per_host=rates, cc=o.cc, sysctl=o.sysctl)
        command = [o.load, "swarm", "--leechers", str(o.leechers), "--size", o.size,
                   "--deadline-s", str(int(60 + 5 * least)), "--server-address", lab.ip(0),
                   "--exec", " ".join(lab.cmd("{i}", []))]
        command += ([] if "--dir" in tail else ["--dir", folder.name]) + tail
        load = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True, preexec_fn=prio)
        try:
            said = load.communicate()[0]
        finally:
            if load.poll() is None:   # the group of this one child: itself and the programs it has started
                os.killpg(load.pid, signal.SIGKILL)
                load.wait()
    finally:
        lab.down()
        folder.cleanup()
    if load.returncode:
        sys.exit(load.returncode)
    line = json.loads(said)
    line.update(least_ms=round(least * 1000), over_least=round(line["wall_ms"] / 1000 / least, 3),
                load_1m=os.getloadavg()[0])
    print(json.dumps(line))

if __name__ == "__main__": main()
