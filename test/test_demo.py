"""make demo: runs through, and shows each step of the main job."""

import subprocess

import harness


def test_demo():
    result = subprocess.run(["make", "demo"], cwd=harness.ROOT, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert result.returncode == 0, result.stdout
    for step in ["prod_configure", "prod_health", "prod_backup_to",
                 "prod_fragmentation", "prod_index_advice"]:
        assert step in result.stdout
    assert "CREATE INDEX orders_customer_id" in result.stdout
    assert "Error" not in result.stdout and "error" not in result.stdout
