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
    named = strategies.tuples(strategy, known).map(lambda pair: with_id(*pair))
    return strategies.one_of(strategy, named)


def with_id(parameters, job):
    # What it takes from earlier answers, and what is to be refused, comes wrapped, with where it is from.
    if hasattr(parameters, "map_value"):
        return parameters.map_value(lambda value: {**value, "id": job})
    return {**parameters, "id": job}
