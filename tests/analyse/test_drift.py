"""The closed forms of the correlation between blocks, against the matrices that they stand for."""

from __future__ import annotations

import numpy as np
import pytest

from gilbench.analyse.stats.drift import GRID, FloatArray, _restricted_likelihood, inflation


def correlations(correlation: float, blocks: int) -> FloatArray:
    lags = np.abs(np.subtract.outer(np.arange(blocks), np.arange(blocks)))
    matrix: FloatArray = np.power(correlation, lags)
    return matrix


@pytest.mark.parametrize("blocks", [2, 3, 10, 61])
@pytest.mark.parametrize("correlation", [0.1, 0.5, 0.8])
def test_the_inflation_is_that_of_the_matrix(blocks: int, correlation: float) -> None:
    matrix = correlations(correlation, blocks)
    centering = np.eye(blocks) - 1 / blocks
    residual = np.trace(centering @ matrix)
    found = inflation(correlation, blocks)
    assert found.factor == pytest.approx(np.sqrt(matrix.mean() * blocks * (blocks - 1) / residual))
    assert found.freedom == pytest.approx(
        residual**2 / np.trace(centering @ matrix @ centering @ matrix), rel=1e-6
    )


@pytest.mark.parametrize("blocks", [3, 10, 61])
def test_the_likelihood_is_that_of_the_matrix(blocks: int) -> None:
    values = np.random.default_rng(blocks).normal(size=blocks).cumsum()
    ones = np.ones(blocks)
    expected = []
    for correlation in GRID:
        matrix = correlations(correlation, blocks)
        inverse = np.linalg.inv(matrix)
        mean = (ones @ inverse @ values) / (ones @ inverse @ ones)
        residual = (values - mean) @ inverse @ (values - mean)
        determinant = np.linalg.slogdet(matrix)[1] + np.log(ones @ inverse @ ones)
        expected.append(-0.5 * (determinant + (blocks - 1) * np.log(residual)))
    assert _restricted_likelihood(values) == pytest.approx(np.array(expected))
