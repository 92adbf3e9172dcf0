"""Has Schemathesis ask for jobs that are there, beside the ids that it makes up."""

import os

import schemathesis
from hypothesis import strategies

JOBS = os.environ["NST_TEST_JOBS"].split(",")


@schemathesis.hook
def before_generate_path_parameters(context, strategy):
    if "{id}" not in context.operation.path:
        return strategy
    known = strategies.sampled_from(JOBS)
    named = strategies.tuples(strategy, known).map(lambda pair: {**pair[0], "id": pair[1]})
    return strategies.one_of(strategy, named)
