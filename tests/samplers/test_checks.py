"""Every registered sampler passes the checks that are shipped for those of other people."""

from __future__ import annotations

from cases import checked


@checked()
def test_a_sampler_keeps_its_promises(spark, check, case):
    check.run(spark, case)
