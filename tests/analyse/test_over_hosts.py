"""What a study of a fleet says over its hosts, and what of each of them."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np
import pytest
from host_studies import EPYC, XEON, as_fleet, countdowns, fleet_of_ratios, on_host, two_kinds
from studies import StudyBuilder, cell_of, cells_of, everything, make_workload, named

from gilbench.analyse.stats.estimates import Estimate, mean_estimate
from gilbench.analyse.stats.hosts import kinds_differ, over_hosts, spread
from gilbench.analyse.study.caveats import caveats
from gilbench.analyse.study.comparisons import compare_hosts, compare_interpreters, compare_studies
from gilbench.analyse.study.differences import differences
from gilbench.analyse.study.gate import decide
from gilbench.analyse.study.host_findings import differing_rows
from gilbench.analyse.study.hosts import OWN, header_of_hosts, host_parts, kinds_of, of_one_host
from gilbench.analyse.study.report import build_report
from gilbench.model.results import Comparison
from gilbench.model.study import Reading, Study
from gilbench.plan.counting import INSTRUCTIONS, METRIC


def host(value: float, *, error: float = 0.01, **changes: Any) -> Estimate:
    return Estimate(**{"value": value, "error": error, "freedom": 3.0, "blocks": 4, **changes})


def row(rows: tuple[Comparison, ...], metric: str = "throughput", threads: int = 1) -> Comparison:
    (found,) = [one for one in rows if one.metric == metric and one.case.threads == threads]
    return found


# --- estimates ------------------------------------------------------------------------------------------


def test_each_host_counts_once_whatever_its_blocks_and_errors() -> None:
    found = over_hosts([host(0.0, blocks=100, error=1e-4), host(0.1, blocks=3), host(0.2, blocks=3)])
    assert found.value == pytest.approx(0.1)
    assert (found.blocks, found.freedom) == (3, 2.0)
    assert found.error == pytest.approx(0.1 / math.sqrt(3))


def test_no_host_is_trimmed() -> None:
    assert over_hosts([host(0.0)] * 11 + [host(1.2)]).value == pytest.approx(0.1)


def test_two_hosts_have_an_interval_but_no_verdict() -> None:
    found = over_hosts([host(0.1), host(0.2)])
    assert found.doubt == "too few hosts"
    assert found.interval().lo is not None
    assert over_hosts([host(0.1)]).interval().lo is None


def test_a_host_without_a_value_is_not_left_out() -> None:
    found = over_hosts([host(0.1), host(math.nan), host(0.3)])
    assert math.isnan(found.value)
    assert found.doubt == "values that are not finite"


def test_doubts_that_more_hosts_remove_do_not_count() -> None:
    few = [mean_estimate([value]) for value in (0.1, 0.11, 0.12)]
    assert over_hosts(few).doubt is None
    assert over_hosts([host(0.1), host(0.2), host(0.3, doubt="unpaired")]).doubt == "unpaired"


def test_hosts_that_are_equal_are_as_unsure_as_their_blocks() -> None:
    assert over_hosts([host(0.1, error=error) for error in (0.01, 0.02, 0.01)]).error == 0.02
    assert over_hosts([host(0.1, error=0.0)] * 3).doubt == "zero variance"


def test_the_spread_between_hosts_is_found() -> None:
    equal = spread([host(value) for value in (0.0, 0.012, -0.009, 0.004)])
    apart = spread([host(value) for value in (0.0, 0.12, -0.09, 0.04)])
    assert equal is not None
    assert apart is not None
    assert (equal.lo, equal.p > 0.05) == (0.0, True)
    assert apart.lo > 0.03
    assert apart.lo < apart.sd < apart.hi
    assert apart.p < 0.01
    assert spread([host(0.0), host(0.1)]) is None


def test_spread_and_kinds_raise_no_false_alarm_and_cover() -> None:
    rng = np.random.default_rng(5)
    hosts = [0.05 * rng.standard_normal((600, 6, 1)), 0.02 * rng.standard_normal((600, 6, 8))]
    alike, apart = hosts[1], hosts[0] + hosts[1]
    no, yes = (
        [spread([mean_estimate(one.tolist()) for one in study]) for study in kind] for kind in (alike, apart)
    )
    assert sum(one is not None and one.p <= 0.05 for one in no) < 0.08 * len(no)
    assert sum(one is not None and one.lo <= 0.05 <= one.hi for one in yes) > 0.93 * len(yes)
    values = apart.mean(axis=-1)
    false = [kinds_differ([study[:3].tolist(), study[3:].tolist()]) for study in values]
    assert sum(p <= 0.05 for p in false) < 0.08 * len(false)


def test_welchs_test_of_two_kinds_is_the_square_of_his_t() -> None:
    stats = pytest.importorskip("scipy.stats")
    one, other = [0.1, 0.13, 0.11, 0.09], [0.05, 0.01, 0.02]
    assert kinds_differ([one, other]) == pytest.approx(stats.ttest_ind(one, other, equal_var=False).pvalue)
    assert math.isnan(kinds_differ([one, [0.2]]))


# --- studies --------------------------------------------------------------------------------------------


def test_a_fleet_is_compared_over_hosts() -> None:
    found = row(compare_interpreters(two_kinds()))
    assert (found.host, found.hosts, found.blocks) == (None, 5, 20)
    assert found.ratio == pytest.approx((1.10 * 1.105 * 1.097 * 0.999 * 1.002) ** 0.2, rel=2e-3)
    assert found.lo is not None
    assert found.ratio is not None
    assert found.lo < 1 < found.ratio  # a difference that only one kind of host has
    assert (found.verdict, found.blocks_needed) == ("inconclusive", None)
    assert found.hosts_needed is not None
    assert found.spread is not None
    assert found.spread.lo < found.spread.sd < found.spread.hi


def test_each_host_has_the_rows_of_a_study_of_its_own() -> None:
    alone = on_host(countdowns(1.1, seed=2), **EPYC)
    others = {name: on_host(countdowns(1.0, seed=seed), **XEON) for seed, name in enumerate("ab")}
    rows = compare_hosts(as_fleet({"east": alone, **others}))
    mine = tuple(msgspec.structs.replace(one, host=None) for one in rows if one.host == "east")
    assert mine == compare_interpreters(alone)
    assert {one.host for one in rows} == {"east", "a", "b"}


def test_blocks_of_other_hosts_never_make_a_pair() -> None:
    """Two hosts that measured one side each have no ratio, although they share the number of the block."""
    study = fleet_of_ratios([[0.1] * 4, [0.1] * 4])
    runs = [
        msgspec.structs.replace(run, block=run.block % 4)
        for run in study.runs
        if (run.host == "host 0") == (run.case == 0)
    ]
    assert compare_interpreters(msgspec.structs.replace(study, runs=tuple(runs))) == ()


@pytest.mark.parametrize("hosts", [1, 2])
def test_too_few_hosts_have_no_verdict_over_them(hosts: int) -> None:
    study = fleet_of_ratios([[0.2, 0.21, 0.19, 0.2], [0.2, 0.22, 0.2, 0.19]][:hosts])
    (found,) = compare_interpreters(study)
    if hosts == 1:  # is an ordinary study of this host
        assert (found.verdict, found.hosts, compare_hosts(study)) == ("improved", None, ())
    else:
        assert (found.verdict, found.reason, found.hosts) == ("inconclusive", "too few hosts", 2)
        assert found.lo is not None
        assert {one.verdict for one in compare_hosts(study)} == {"improved"}


def test_a_fleet_of_one_is_the_study_of_this_host() -> None:
    alone = on_host(everything().study(), **EPYC)
    fleet = msgspec.structs.replace(as_fleet({"east": alone}), header=on_host(alone, **XEON).header)
    report = build_report(fleet)
    assert report.header.host == alone.header.host
    assert report.hosts == ()
    assert report.cells == build_report(alone).cells
    assert compare_interpreters(fleet) == compare_interpreters(alone)
    assert report.caveats == build_report(msgspec.structs.replace(alone, warnings=())).caveats
    assert of_one_host(alone) is alone


def test_hosts_without_runs_do_not_count() -> None:
    study = two_kinds()
    runs = tuple(run for run in study.runs if run.host != "attic")
    assert row(compare_interpreters(msgspec.structs.replace(study, runs=runs))).hosts == 4


def test_runs_from_before_the_fleet_are_of_a_host_of_their_own() -> None:
    study = two_kinds()
    runs = tuple(
        msgspec.structs.replace(run, host=None) if run.host == "attic" else run for run in study.runs
    )
    resumed = msgspec.structs.replace(study, runs=runs)
    assert host_parts(resumed)[0].host.name == OWN
    assert row(compare_interpreters(resumed)).hosts == 5


def test_every_cell_of_a_fleet_is_over_hosts_and_on_each_host() -> None:
    names = {"east": "EPYC", "north": "EPYC", "west": "Xeon"}
    alone = everything().study()
    report = build_report(as_fleet({name: on_host(alone, cpu_model=cpu) for name, cpu in names.items()}))
    assert {cell.hosts for cell in report.cells} == {3}
    assert {cell.host for cell in report.cells} == {None}
    assert {cell.host for cell in report.host_cells} == set(names)
    ordinary = build_report(alone)
    known = {(cell.case, cell.metric): cell for cell in ordinary.cells}
    assert {(cell.case, cell.metric) for cell in report.cells} == known.keys()
    for cell in report.cells:
        single = known[cell.case, cell.metric]
        assert cell.value == pytest.approx(single.value)
        assert cell.blocks == 3 * single.blocks
        assert (
            cell.unit != "fraction" or cell.hi is None or cell.lo is None or cell.lo <= cell.value <= cell.hi
        )


def test_a_metric_that_one_host_lacks_has_no_value_over_hosts() -> None:
    def served(latencies: int) -> Study:
        builder = StudyBuilder([named("3.13")], [make_workload("delivery", "signals")])
        builder.serve("delivery", "3.13", [1e-3] * latencies, threads=1, offered=20)
        return builder.study()

    whole, none = served(20), served(0)
    cut = tuple(
        msgspec.structs.replace(
            run, slices=tuple(msgspec.structs.replace(one, offered=None, served=None) for one in run.slices)
        )
        for run in none.runs
    )
    report = build_report(
        as_fleet({"east": whole, "north": whole, "west": msgspec.structs.replace(none, runs=cut)})
    )
    assert not cells_of(report, metric="latency_p50")
    assert {cell.host for cell in report.host_cells if cell.metric == "latency_p50"} == {"east", "north"}
    assert any("only some hosts have" in caveat.text for caveat in report.caveats)


def test_a_case_that_one_host_did_not_measure_is_over_the_others() -> None:
    study = two_kinds()
    lost = [number for number, case in enumerate(study.header.plan.cases) if case.threads == 2]
    runs = tuple(run for run in study.runs if run.host != "attic" or run.case not in lost)
    report = build_report(msgspec.structs.replace(study, runs=runs))
    assert cell_of(report, metric="relative", threads=2).hosts == 4
    assert cell_of(report, metric="relative", threads=1).hosts == 5
    assert any("not all of the 5 hosts measured" in caveat.text for caveat in report.caveats)


def test_latencies_of_a_host_that_never_answers_are_infinite_over_hosts() -> None:
    def served(latencies: int) -> Study:
        builder = StudyBuilder([named("3.13")], [make_workload("delivery", "signals")])
        builder.serve("delivery", "3.13", [1e-3] * latencies, threads=1, offered=20)
        return builder.study()

    report = build_report(as_fleet({"east": served(20), "north": served(20), "west": served(1)}))
    cell = cell_of(report, metric="latency_p50")
    assert cell.value == math.inf
    assert cell.lo is None
    delivered = cell_of(report, metric="delivered")
    assert delivered.value == pytest.approx((1 + 1 + 0.05) / 3)
    assert delivered.lo is not None
    assert 0 <= delivered.lo < delivered.value <= (delivered.hi or 0) <= 1


def test_kinds_of_hosts_have_names_of_their_own() -> None:
    study = two_kinds()
    kinds = kinds_of(study.hosts)
    assert [(kind.label, kind.hosts) for kind in kinds] == [
        ("AMD EPYC 7B13, 8 cores", ("east", "north", "west")),
        ("Intel Xeon E-2336, 2 cores, kvm", ("south", "attic")),
    ]
    quota = msgspec.structs.replace(study.hosts[0].host, quota=1.5)
    more = (*study.hosts, msgspec.structs.replace(study.hosts[0], name="yard", host=quota))
    labels = [kind.label for kind in kinds_of(more)]
    assert len(set(labels)) == 3
    assert "quota of 1.5 CPUs" in labels[-1]


def test_a_finding_says_on_which_kinds_of_host_it_holds() -> None:
    report = build_report(two_kinds())
    (single,) = [one for one in report.findings if one.kind == "single_thread"]
    assert "1.10x on AMD EPYC 7B13, 8 cores (3 hosts)" in single.text
    assert "on Intel Xeon E-2336, 2 cores, kvm (2 hosts)" in single.text
    speedups = [one for one in report.findings if one.kind == "host_kinds"]
    assert len(speedups) == 1
    assert "1.95x on AMD EPYC 7B13" in speedups[0].text


def test_verdicts_that_kinds_agree_on_are_named() -> None:
    study = two_kinds()
    rows = compare_interpreters(study)
    texts = [one.text for one in differing_rows(rows, compare_hosts(study), kinds_of(study.hosts))]
    assert any("improved, 1.10x on AMD" in text and "; equivalent, " in text for text in texts)


def test_hosts_of_one_kind_that_differ_are_named() -> None:
    ratios = {"east": 1.02, "north": 1.10, "west": 1.06, "south": 1.00}
    study = as_fleet(
        {name: countdowns(ratio, seed=seed) for seed, (name, ratio) in enumerate(ratios.items())}
    )
    report = build_report(study)
    (found,) = [one for one in report.findings if one.kind == "hosts" and ", 1 thread" in one.text]
    assert "0.999x (south) to 1.10x (north)" in found.text
    assert "standard deviation between hosts" in found.text


def test_hosts_that_are_alike_have_no_finding() -> None:
    study = as_fleet(
        {name: countdowns(1.1, seed=seed) for seed, name in enumerate(("east", "north", "west"))}
    )
    assert not [one for one in build_report(study).findings if one.kind in {"hosts", "host_kinds"}]


def test_caveats_name_their_hosts() -> None:
    names = {"east": {**EPYC, "governor": "powersave"}, "north": EPYC, "west": {**XEON, "busy": 0.4}}
    study = as_fleet({name: on_host(countdowns(1.0), **facts) for name, facts in names.items()})
    texts = [caveat.text for caveat in caveats(study)]
    assert any(text.startswith("on east: the CPU frequency governor is 'powersave'") for text in texts)
    assert any(text.startswith("on west: other programs used 40%") for text in texts)
    everywhere = as_fleet({name: on_host(countdowns(1.0), governor="powersave") for name in names})
    assert [one.text for one in caveats(everywhere) if one.kind == "governor"] == [
        one.text for one in caveats(on_host(countdowns(1.0), governor="powersave")) if one.kind == "governor"
    ]


def test_builds_that_hosts_compiled_differently_are_named() -> None:
    study = two_kinds()
    attic = study.hosts[-1]
    other = tuple(
        msgspec.structs.replace(one, build=msgspec.structs.replace(one.build, lto=not one.build.lto))
        for one in attic.interpreters
    )
    hosts = (*study.hosts[:-1], msgspec.structs.replace(attic, interpreters=other))
    known = tuple(
        msgspec.structs.replace(
            one,
            interpreters=tuple(
                msgspec.structs.replace(
                    each, build=msgspec.structs.replace(each.build, lto=bool(each.build.lto))
                )
                for each in one.interpreters
            ),
        )
        for one in hosts
    )
    texts = [caveat.text for caveat in caveats(msgspec.structs.replace(study, hosts=known))]
    assert any("differently on attic than on east" in text for text in texts)


def test_only_rows_over_hosts_decide_a_check() -> None:
    study = fleet_of_ratios([[-0.5] * 3 + [-0.51], [0.0, 0.001, -0.001, 0.0], [0.5, 0.5, 0.51, 0.49]])
    rows = compare_interpreters(study)
    assert {one.verdict for one in compare_hosts(study)} == {"regressed", "equivalent", "improved"}
    gate = decide(rows)
    assert gate.verdict == "inconclusive"
    assert len(gate.inconclusive) == 1


def test_counts_are_over_hosts_too() -> None:
    def counting(factor: float) -> Study:
        builder = StudyBuilder([named("3.11"), named("3.12")], [make_workload()])
        for interpreter, count in (("3.11", 1e6), ("3.12", 1e6 * factor)):
            case = builder.case("countdown", interpreter, observers=(INSTRUCTIONS,))
            for repeat in range(3):
                reading = Reading(
                    observer=INSTRUCTIONS, figures={METRIC: count * (1 + 1e-5 * repeat)}, by="perf"
                )
                builder.run(case, repeat, [], readings=(reading,))
        builder.blocks = 3
        return msgspec.structs.replace(
            builder.study(),
            header=msgspec.structs.replace(
                builder.study().header,
                plan=msgspec.structs.replace(builder.study().header.plan, reference="3.11"),
            ),
        )

    (found,) = compare_interpreters(as_fleet({name: counting(1.1) for name in ("east", "north", "west")}))
    assert (found.metric, found.hosts, found.verdict) == (METRIC, 3, "regressed")
    (few,) = compare_interpreters(as_fleet({name: counting(1.1) for name in ("east", "north")}))
    assert (few.verdict, few.reason) == ("inconclusive", "too few hosts")


# --- two studies ----------------------------------------------------------------------------------------


def fleet_at(change: float, names: str = "abcd", **facts: Any) -> Study:
    speeds = dict(zip("abcdefgh", (1.0, 1.2, 0.9, 1.1, 1.0, 1.3, 0.8, 1.0), strict=True))
    return as_fleet(
        {
            name: on_host(countdowns(speeds[name] * change * (1 + 0.002 * place), seed=place), **facts)
            for place, name in enumerate(names)
        }
    )


def test_fleets_are_compared_host_by_host() -> None:
    """The hosts differ by 30%, but a change of 5% on each of them is found."""
    found = row(compare_studies(fleet_at(1.0), fleet_at(1.05)))
    assert (found.verdict, found.hosts) == ("improved", 4)
    assert found.ratio == pytest.approx(1.05, rel=0.01)


def test_fleets_are_compared_on_the_hosts_that_both_have() -> None:
    before, now = fleet_at(1.0, "abcd"), fleet_at(1.05, "bcde")
    assert row(compare_studies(before, now)).hosts == 3
    texts = [caveat.text for caveat in differences(before, now)]
    assert any("only the baseline has a," in text for text in texts)
    assert any("only the candidate has e," in text for text in texts)


@pytest.mark.parametrize("other", [fleet_at(1.05, "efgh"), fleet_at(1.05, **XEON), countdowns(1.05)])
def test_fleets_of_other_hosts_have_no_verdict(other: Study) -> None:
    """Hosts of another name, of another kind, or a study of one host."""
    found = row(compare_studies(fleet_at(1.0), other))
    assert (found.verdict, found.reason) == ("inconclusive", "other host")
    assert any(one.subject == "hosts" for one in differences(fleet_at(1.0), other))


def test_two_fleets_of_the_same_single_host_are_two_studies_of_it() -> None:
    before, now = (as_fleet({"a": countdowns(ratio)}) for ratio in (1.0, 1.2))
    found = row(compare_studies(before, now))
    assert found == row(compare_studies(countdowns(1.0), countdowns(1.2)))
    assert found.verdict == "improved"


def test_a_history_knows_a_fleet_by_its_kinds() -> None:
    host_text = header_of_hosts(two_kinds()).host.cpu_model
    assert host_text == ("fleet of 5: 2 of Intel Xeon E-2336, 2 cores, kvm; 3 of AMD EPYC 7B13, 8 cores")
    alone = countdowns(1.0)
    assert header_of_hosts(alone) is alone.header
