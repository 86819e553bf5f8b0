import signal
import subprocess
import time


def test_t(subscribed, upstream, isomanager_command, tmp_path):
    t0 = time.time()
    stall = upstream.fault("stall", "*.iso", at=50_000)
    process = subprocess.Popen(
        [*isomanager_command, "update"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", cwd=tmp_path
    )
    assert stall.wait_reached(240)
    t1 = time.time()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=240)
    t2 = time.time()
    print(said)
    upstream.clear_faults()
    t3 = time.time()
    done = subscribed("update", "--json", "-v")
    t4 = time.time()
    print(done.err)
    print(f"TIMES reach {t1 - t0:.1f} stop {t2 - t1:.1f} clear {t3 - t2:.1f} second {t4 - t3:.1f}")
