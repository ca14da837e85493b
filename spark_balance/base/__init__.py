"""What a method is made of: a sampler, its recipe, the primitives, and the nodes that they return."""

from spark_balance.base.cells import Ask, CellsNode, Fitted, all_among_all, changing_among_all, own_class
from spark_balance.base.decide import DRAW, LEVELS, SCORES, Context, DecideNode, Decisions, LearnNode, ScanNode
from spark_balance.base.families import CleaningSampler, OverSampler, UnderSampler
from spark_balance.base.keep import KeepLeastNode, TakeNode, WithoutNode
from spark_balance.base.levels import ClassLevels, LevelCounts, LevelSpreadNode, each_class
from spark_balance.base.make import Gap, JoinNode, Pair, SynthesizeNode
from spark_balance.base.node import Classes, Keep, Node, Problem, Resampled, Result, SparkRun
from spark_balance.base.paper import Paper
from spark_balance.base.parameters import ClassRows, Names, Options, Shrinkage, Sought, given_to, toml_of
from spark_balance.base.recipe import Recipe
from spark_balance.base.rows import Bases, Carry, RowsNode, SampleNode, SpreadNode
from spark_balance.base.sampler import Sampler
from spark_balance.frames.copies import Share
from spark_balance.frames.counts import GivenCounts
from spark_balance.frames.levels import LEVEL, Quota, by_level, together
from spark_balance.frames.plan import Label, Promises
from spark_balance.frames.row_ids import CODE, uniform
from spark_balance.frames.sample import Sample
from spark_balance.kernels.members import Members, RowRule, Rule
from spark_balance.kernels.scale import Scale
from spark_balance.neighbors.decisions import Says
from spark_balance.neighbors.pools import Pool, Question

# fmt: off
__all__ = [
    "CODE", "DRAW", "LEVEL", "LEVELS", "SCORES", "Ask", "Bases", "Carry", "CellsNode", "ClassLevels", "ClassRows",
    "Classes", "CleaningSampler", "Context", "DecideNode", "Decisions", "Fitted", "Gap", "GivenCounts", "JoinNode",
    "Keep", "KeepLeastNode", "Label", "LearnNode", "LevelCounts", "LevelSpreadNode", "Members", "Names", "Node",
    "Options", "OverSampler", "Pair", "Paper", "Pool", "Problem", "Promises", "Question", "Quota", "Recipe",
    "Resampled", "Result", "RowRule", "RowsNode", "Rule", "Sample", "SampleNode", "Sampler", "Says", "Scale",
    "ScanNode", "Share", "Shrinkage", "Sought", "SparkRun", "SpreadNode", "SynthesizeNode", "TakeNode", "UnderSampler",
    "WithoutNode", "all_among_all", "by_level", "changing_among_all", "each_class", "given_to", "own_class",
    "together", "toml_of", "uniform",
]
# fmt: on
