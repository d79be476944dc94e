# Answers are handed in offline here: the truth of public data lies in the store itself.

offline <- function(code) {
  old <- Sys.getenv(c("SANDKASSE_PORTAL", "SANDKASSE_MODULE"))
  Sys.setenv(SANDKASSE_PORTAL = "offline", SANDKASSE_MODULE = "who-has-diabetes")
  reticulate::py_run_string("import os; os.environ.update(SANDKASSE_PORTAL='offline', SANDKASSE_MODULE='who-has-diabetes')")
  on.exit(do.call(Sys.setenv, as.list(old)))
  force(code)
}

test_that("a blank answer is not sent", {
  verdict <- sandkasse::check("survival-5y")
  expect_identical(verdict$passed, NA)
  expect_output(print(verdict), "Replace NULL by your answer")
})

test_that("a number gets a readable verdict", {
  offline({
    wrong <- sandkasse::check("survival-5y", 0.99)
    expect_false(wrong$passed)
    expect_output(print(wrong), "Not yet")
    sample <- sandkasse::open("diabetes-register-sample")
    persons <- sandkasse::query(sample, "
      SELECT exit_year - inclusion_year AS years, death_year IS NOT NULL AS is_dead FROM persons
      WHERE inclusion_year - birth_year >= 60 AND inclusion_year - birth_year < 70 AND exit_year > inclusion_year")
    fit <- survival::survfit(survival::Surv(years, is_dead) ~ 1, data = persons)
    right <- sandkasse::check("survival-5y", summary(fit, times = 5)$surv)
    expect_true(right$passed)
    expect_output(print(right), "Passed")
  })
})

test_that("what cannot be an answer is refused with a next step", {
  expect_error(sandkasse::check("survival-5y", c(1, 2, 3)), "Expected one value; got 3")
  expect_error(sandkasse::check("survival-5y", NA), "The answer is NA")
  expect_error(sandkasse::check("survival-5y", function() 1), "got function")
  offline(expect_error(sandkasse::check("survival-6y", 1), "did you mean", class = "ExerciseNotFoundError"))
})
