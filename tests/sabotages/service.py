"""What the service promises."""

from tests.sabotages.sabotage import Sabotage

DATABASE = "app/core/db/database.py"
ERRORS = "app/core/errors.py"
PROBLEMS = "app/core/http/problem_details.py"
SANDBOX = "tests/harness/sandbox.py"
IN_SANDBOX = "tests/integration/test_sandbox.py"
BEFORE_RESPONSE = "tests/integration/test_commit_before_response.py"
PRODUCTS = "tests/integration/test_products.py"

SABOTAGES = [
    Sabotage(
        "the commit comes before the response",
        DATABASE,
        'Session = Annotated[AsyncSession, Depends(_transaction, scope="function")]',
        "Session = Annotated[AsyncSession, Depends(_transaction)]",
        f"{BEFORE_RESPONSE}::test_the_row_is_there_when_the_response_starts",
    ),
    Sabotage(
        "a commit that fails is an error response",
        DATABASE,
        'Session = Annotated[AsyncSession, Depends(_transaction, scope="function")]',
        "Session = Annotated[AsyncSession, Depends(_transaction)]",
        f"{BEFORE_RESPONSE}::test_a_commit_that_fails_is_an_error_and_leaves_no_row",
    ),
    Sabotage(
        "a transaction commits",
        DATABASE,
        "                await commit(session)\n",
        "                await session.flush()\n",
        f"{IN_SANDBOX}::test_what_the_application_commits_is_visible",
    ),
    Sabotage(
        "a commit that PostgreSQL answers with a rollback is an error",
        "app/core/db/aborted.py",
        'if query == "COMMIT;":',
        'if query == "COMMIT":',
        "tests/integration/test_committed.py::test_a_commit_after_a_caught_failure_is_an_error",
    ),
    Sabotage(
        "a transaction that raises is rolled back, and not committed in a finally",
        DATABASE,
        "            if error is None:\n                await self._finish()\n",
        "            if self.session:\n                await self._finish()\n",
        f"{IN_SANDBOX}::test_what_the_application_rolls_back_is_gone_and_arranged_rows_stay",
    ),
    Sabotage(
        "only the database module commits",
        "app/features/products/service.py",
        "    return product\n\n\nasync def get(",
        "    await session.commit()\n    return product\n\n\nasync def get(",
        "tests/unit/test_architecture.py::test_only_core_db_commits",
    ),
    Sabotage(
        "core imports no feature",
        ERRORS,
        "class DomainError(",
        "from app.features.products import models\n\n\nclass DomainError(",
        "tests/unit/test_architecture.py::test_core_imports_no_feature",
    ),
    Sabotage(
        "an error tells nothing of the inside",
        "app/core/http/exception_handlers.py",
        "    return (answer_to(error) or UNHANDLED).response()\n",
        "    return (answer_to(error) or Answer(500, str(error))).response()\n",
        "tests/integration/test_errors.py::test_an_unexpected_error_is_a_problem_without_details",
    ),
    Sabotage(
        "an invalid value is not repeated",
        PROBLEMS,
        "    type: str\n\n\nclass Problem",
        "    type: str\n    input: Any\n\n\nclass Problem",
        "tests/integration/test_errors.py::test_an_invalid_value_is_named_and_not_repeated",
    ),
    Sabotage(
        "a request id cannot forge a log line",
        "app/core/http/middleware/request_log.py",
        "given if _SAFE_ID.fullmatch(given) else uuid4().hex",
        "given or uuid4().hex",
        "tests/integration/test_request_log.py::test_a_request_id_that_could_forge_a_log_line",
    ),
    Sabotage(
        "liveness asks no database",
        "app/features/health/router.py",
        "async def live() -> Health:",
        "async def live(_: CurrentDatabase) -> Health:",
        "tests/integration/test_health.py::test_alive_without_a_database",
    ),
    Sabotage(
        "readiness is refused when the database is away",
        "app/features/health/router.py",
        '        raise UnavailableError("The database does not answer.") from error\n',
        '        logger.debug("not_asked", error=error)\n',
        "tests/integration/test_health.py::test_not_ready_when_the_database_is_away",
    ),
    Sabotage(
        "a page starts after the one before",
        "app/core/pagination.py",
        "self._first.where(key < after)",
        "self._first.where(key <= after)",
        f"{PRODUCTS}::test_pages_are_newest_first_and_complete",
    ),
    Sabotage(
        "a page is one range of the index",
        "app/core/pagination.py",
        "order_by(model.created_at.desc(), model.id.desc())",
        "order_by(model.created_at.desc().nulls_last(), model.id.desc())",
        "tests/integration/test_products_plan.py::test_a_page_is_one_range_of_the_index",
    ),
    Sabotage(
        "a page costs one query",
        "app/core/pagination.py",
        "        rows = (await session.scalars(query, values)).all()\n",
        "        await session.scalars(query, values)\n"
        "        rows = (await session.scalars(query, values)).all()\n",
        f"{PRODUCTS}::test_a_page_costs_one_query_however_long_it_is",
    ),
    Sabotage(
        "values of the database come back with the statement",
        "app/core/models.py",
        '"eager_defaults": True',
        '"eager_defaults": False',
        f"{PRODUCTS}::test_update_changes_only_what_is_sent",
    ),
    Sabotage(
        "a password is never printed",
        "app/settings.py",
        "        hide_input_in_errors=True,  # a wrong DATABASE_URL holds a right password\n",
        "",
        "tests/unit/test_settings.py::test_another_database_is_refused_without_repeating_the_password",
    ),
    Sabotage(
        "a product that somebody removes meanwhile is not found",
        "app/features/products/service.py",
        "await session.delete(await get(session, product_id, lock=True))",
        "await session.delete(await get(session, product_id))",
        f"{PRODUCTS}::test_a_product_that_somebody_removes_meanwhile_is_not_found",
    ),
    Sabotage(
        "who locks a product sees what became of it",
        "app/features/products/service.py",
        ".execution_options(populate_existing=True)",
        "",
        f"{PRODUCTS}::test_who_locks_a_product_sees_what_became_of_it",
    ),
    Sabotage(
        "a cursor that was made up is invalid",
        "app/core/pagination.py",
        "if moment.utcoffset() != timedelta(0):",
        "if moment.year < timedelta(0).days:",
        "tests/unit/test_pagination.py::test_a_time_that_the_database_did_not_give_is_invalid",
    ),
    Sabotage(
        "the OpenAPI document is whole",
        PROBLEMS,
        '    components.update(schemas["$defs"])\n',
        "    del schemas\n",
        "tests/integration/test_errors.py::test_every_reference_of_the_openapi_document",
    ),
    Sabotage(
        "the test cannot undo what the application committed",
        SANDBOX,
        "            raise RollbackError(method)\n",
        "            pass\n",
        f"{IN_SANDBOX}::test_the_test_cannot_undo_what_the_application_committed",
    ),
]
