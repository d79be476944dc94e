# What a user of R meets; run by tests/integration/r_language/test_r_package.py.

steno <- function() sandkasse::open("steno-2")

test_that("there is help, and nothing of dplyr's is hidden", {
  topics <- readRDS(system.file("help", "aliases.rds", package = "sandkasse"))
  expect_true(all(getNamespaceExports("sandkasse") %in% names(topics)))
  skip_if_not_installed("dplyr")
  expect_length(intersect(getNamespaceExports("sandkasse"), getNamespaceExports("dplyr")), 0)
})

test_that("a dataset shows its card and completes its tables", {
  registers <- steno()
  expect_equal(names(registers), c("persons", "visits", "albuminuria"))
  expect_output(print(registers), "visits +750 rows")
  expect_equal(utils:::.DollarNames(registers, "^vis"), "visits")
  expect_equal(length(registers), 3)
})

test_that("what is not there is named with its nearest, without a Python trace", {
  expect_error(sandkasse::open("steno-3"), "did you mean steno-2", class = "DatasetNotFoundError")
  expect_error(steno()$visit, "did you mean visits", class = "TableNotFoundError")
  expect_error(sandkasse::query(steno(), "SELECT nothing FROM visits"), "\"nothing\" not found", class = "sandkasse_error")
  expect_error(sandkasse::open(1), "name of a contract")
  expect_error(sandkasse::read_table(steno(), "visits", columns = "height"), "columns: ")
})

test_that("base R's open still opens connections", {
  connection <- textConnection("a")
  on.exit(close(connection))
  expect_error(sandkasse::open(connection), NA)
})

test_that("values have R's own types", {
  rows <- sandkasse::query(steno(), "
    SELECT 1::INTEGER AS i, 2::BIGINT AS b, 0.5 AS d, DATE '2024-02-29' AS day, TIMESTAMP '2024-02-29 12:30:00' AS at,
      'æ' AS t, true AS l, NULL::VARCHAR AS nt, NULL::INTEGER AS ni, NULL::DATE AS nd, NULL::DOUBLE AS nn")
  expect_type(rows$i, "integer")
  expect_type(rows$b, "double")
  expect_identical(rows$day, as.Date("2024-02-29"))
  expect_equal(rows$at, as.POSIXct("2024-02-29 12:30:00", tz = "UTC"))
  expect_identical(rows$t, "æ")
  expect_identical(rows$l, TRUE)
  expect_identical(rows$nt, NA_character_)
  expect_identical(rows$ni, NA_integer_)
  expect_true(is.na(rows$nd))
  expect_true(is.na(rows$nn) && !is.nan(rows$nn))
})

test_that("frames go to Python and come back", {
  frame <- data.frame(
    t = c("æøå", "", NA, "a\nb"), f = factor(c("x", NA, "y", "x")), i = c(1L, NA, -3L, .Machine$integer.max),
    d = c(0.1, NA, Inf, -0), l = c(TRUE, NA, FALSE, TRUE), day = as.Date(c("1900-01-01", NA, "2024-02-29", "9999-12-31")),
    at = as.POSIXct(c(0, NA, 1e9 + 0.25, 1), origin = "1970-01-01", tz = "UTC")
  )
  back <- as.data.frame(sandkasse:::read_answer(sandkasse:::write_frame(frame)))
  frame$f <- as.character(frame$f)
  expect_equal(back, frame)
  empty <- as.data.frame(sandkasse:::read_answer(sandkasse:::write_frame(frame[0, ])))
  expect_equal(dim(empty), c(0, 7))
  expect_s3_class(empty$day, "Date")
  expect_error(sandkasse:::write_frame(data.frame(z = 1i)), "column 'z' is a complex")
})

test_that("a large answer is stopped before it fills the memory", {
  old <- options(sandkasse.largest = 1000)
  on.exit(options(old))
  expect_error(sandkasse::query(steno(), "SELECT * FROM visits"), "more than 1,000 values")
  expect_equal(nrow(sandkasse::read_table(steno(), "visits", n = 3)), 3)
})

test_that("a table is read in part", {
  found <- sandkasse::read_table(steno(), "persons", columns = c("person_id", "allocation"), where = "person_id <= 3 -- few")
  expect_equal(dim(found), c(3, 2))
  expect_true(all(c("column", "type", "unit", "meaning") %in% names(sandkasse::describe(steno(), "visits"))))
})

test_that("a table without dbplyr can be looked at and collected", {
  registers <- steno()
  plain <- structure(
    list(registers = registers, table = "visits", columns = sandkasse::describe(registers, "visits")),
    class = "sandkasse_table"
  )
  expect_equal(dim(plain)[1], 750)
  expect_output(print(plain), "not read yet")
  expect_equal(nrow(head(plain)), 6)
  first <- sandkasse::query(registers, "SELECT * FROM visits WHERE person_id = 1")
  expect_equal(dplyr::collect(plain, where = "person_id = 1"), first)
  expect_equal(as.data.frame(plain), as.data.frame(sandkasse::query(registers, "SELECT * FROM visits")))
})

test_that("dplyr verbs become SQL and give what dplyr gives on a data frame", {
  skip_if_not_installed("dbplyr")
  library(dplyr, warn.conflicts = FALSE)
  registers <- steno()
  local <- list(visits = collect(registers$visits), persons = collect(registers$persons))
  question <- function(visits, persons) {
    visits |>
      inner_join(persons, by = "person_id") |>
      mutate(years = as.integer(as.numeric(hba1c) / 10), high = hba1c > 70) |>
      filter(!is.na(hba1c), grepl("^[IC]", allocation, ignore.case = TRUE)) |>
      group_by(allocation, high, years) |>
      summarise(n = n(), persons = n_distinct(person_id), least = min(visit_date, na.rm = TRUE), .groups = "drop")
  }
  lazy <- question(registers$visits, registers$persons)
  expect_s3_class(lazy, "tbl_lazy")
  expect_match(as.character(dbplyr::remote_query(lazy)), "GROUP BY")
  order <- function(x) as.data.frame(arrange(x, allocation, high, years))
  expect_equal(order(collect(lazy)), order(question(local$visits, local$persons)))
})

test_that("texts are matched anywhere, dates compared, and local frames joined", {
  skip_if_not_installed("dbplyr")
  library(dplyr, warn.conflicts = FALSE)
  registers <- steno()
  few <- data.frame(person_id = 1:3, mine = c("a", "b'c", NA))
  joined <- registers$persons |> inner_join(few, by = "person_id", copy = TRUE) |> collect()
  expect_setequal(joined$mine, c("a", "b'c", NA))
  expect_equal(registers$visits |> filter(visit_date < as.Date("1800-01-01")) |> tally() |> pull(n), 0)
  part <- registers$visits |> filter(person_id == 1) |> compute()
  expect_equal(part |> tally() |> pull(n), sandkasse::query(registers, "SELECT count(*) AS n FROM visits WHERE person_id = 1")$n)
  expect_equal(tbl(registers, dbplyr::sql("SELECT 1 AS a")) |> mutate(b = grepl("b.d", "abcd")) |> pull(b), TRUE)
  expect_output(explain(registers$visits |> tally()), "PLAN")
})
