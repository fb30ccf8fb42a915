"""Every promise of a baked project, with a change that breaks it and the test that must notice.

A promise that can be broken without a red test is not a promise.
"""

from tests.sabotages import (
    faults,
    guide,
    migrations,
    operation,
    refusals,
    requests,
    sandbox,
    service,
    sessions,
    settings,
    suite,
    websockets,
)

SABOTAGES = [
    *service.SABOTAGES,
    *sessions.SABOTAGES,
    *faults.SABOTAGES,
    *requests.SABOTAGES,
    *settings.SABOTAGES,
    *operation.SABOTAGES,
    *sandbox.SABOTAGES,
    *migrations.SABOTAGES,
    *refusals.SABOTAGES,
    *suite.SABOTAGES,
    *websockets.SABOTAGES,
    *guide.SABOTAGES,
]
