"""Has Schemathesis ask for jobs that are there, beside the ids that it makes up."""

import os

import schemathesis
from hypothesis import strategies

JOBS = os.environ["NST_TEST_JOBS"].split(",")
ENDED = os.environ["NST_TEST_ENDED_JOBS"].split(",")
UNKNOWN = ["0199f3a2-6c1e-7d40-9b52-3f8a1c7e5d06", "no-id"]


@schemathesis.hook
def before_generate_path_parameters(context, strategy):
    if "{id}" not in context.operation.path:
        return strategy
    if context.operation.path.endswith("/events"):
        # A stream of events ends when its job does, which others than these may never do.
        ended = strategies.sampled_from(ENDED + UNKNOWN)
        return strategies.tuples(strategy, ended).map(lambda pair: with_id(*pair))
    known = strategies.sampled_from(JOBS)
    named = strategies.tuples(strategy, known).map(lambda pair: with_id(*pair))
    return strategies.one_of(strategy, named)


def with_id(parameters, job):
    # What it takes from earlier answers, and what is to be rejected, comes wrapped, with where it is from.
    if hasattr(parameters, "map_value"):
        return parameters.map_value(lambda value: {**value, "id": job})
    return {**parameters, "id": job}
