# The smallest connection that dbplyr needs: dbplyr writes SQL, and DuckDB answers it. dbplyr dispatches on S3 classes,
# so the connection is a plain record; what DuckDB understands as PostgreSQL does is left to dbplyr's own translation.

lazy_table <- function(registers, from, columns) {
  source <- dbplyr::src_dbi(connection_to(registers), auto_disconnect = FALSE)
  dbplyr::tbl_sql(c("sandkasse", "dbi"), src = source, from = from, vars = columns)
}

#' A lazy table of dbplyr's from a table's name or from SQL: tbl(registers, dbplyr::sql("SELECT …"))
tbl.sandkasse_dataset <- function(src, from, ...) {
  if (!inherits(from, "sql")) return(src[[from]])
  needs("dbplyr", "a lazy table of a query")
  columns <- names(query(src, paste0("SELECT * FROM (", from, "\n) AS q LIMIT 0")))
  lazy_table(src, from, columns)
}

connection_to <- function(registers) {
  opened <- unclass(registers)$opened
  if (is.null(opened[[" connection"]])) { # no table has a name with a space
    opened[[" connection"]] <- structure(
      list(registers = registers),
      class = c("sandkasse_connection", "PqConnection", "DBIConnection")
    )
  }
  opened[[" connection"]]
}

registers_of <- function(con) unclass(con)$registers

format.sandkasse_connection <- function(x, ...) paste0("<", unclass(registers_of(x))$name, ">")

print.sandkasse_connection <- function(x, ...) cat(format(x), "\n", sep = "")

dbplyr_edition.sandkasse_connection <- function(con) 2L

db_connection_describe.sandkasse_connection <- function(con) paste0(unclass(registers_of(con))$name, " (DuckDB)")

db_collect.sandkasse_connection <- function(con, sql, n = -1, warn_incomplete = TRUE, ...) {
  query(registers_of(con), as.character(sql))
}

explain.tbl_sandkasse <- function(x, ...) {
  dplyr::show_query(x)
  plan <- query(registers_of(x$src$con), paste("EXPLAIN", dbplyr::remote_query(x)))
  cat("\n<PLAN>\n", paste(plan[[2]], collapse = "\n"), "\n", sep = "")
  invisible(x)
}

# A local data frame beside the registers: for joins with copy = TRUE.
db_copy_to.sandkasse_connection <- function(con, table, values, ...) {
  python <- unclass(registers_of(con))$python
  call_python("place_table", python, as.character(table), write_frame(as.data.frame(values)))
  as.character(table)
}

db_compute.sandkasse_connection <- function(con, table, sql, ...) {
  values <- call_python("ask", unclass(registers_of(con))$python, as.character(sql), largest_answer())
  call_python("place_table", unclass(registers_of(con))$python, as.character(table), values)
  as.character(table)
}

sql_escape_ident.sandkasse_connection <- function(con, x) dbplyr::sql_quote(x, "\"")

sql_escape_string.sandkasse_connection <- function(con, x) dbplyr::sql_quote(x, "'")

sql_escape_logical.sandkasse_connection <- function(con, x) {
  ifelse(is.na(x), "NULL", ifelse(x, "TRUE", "FALSE"))
}

sql_escape_date.sandkasse_connection <- function(con, x) paste0("DATE '", format(x, "%Y-%m-%d"), "'")

sql_escape_datetime.sandkasse_connection <- function(con, x) {
  paste0("TIMESTAMP '", format(x, "%Y-%m-%d %H:%M:%OS6", tz = "UTC"), "'")
}

sql_translation.sandkasse_connection <- function(con) {
  parent <- NextMethod()
  matches <- function(string, pattern, negate = FALSE) {
    # DuckDB's own `~` wants the whole text to match; R users mean a match anywhere.
    found <- dbplyr::sql_expr(regexp_matches(!!string, !!pattern))
    if (isTRUE(negate)) dbplyr::sql_expr(!(!!found)) else found
  }
  dbplyr::sql_variant(
    dbplyr::sql_translator(
      .parent = parent$scalar,
      str_detect = matches,
      grepl = function(pattern, x, ignore.case = FALSE, perl = FALSE, fixed = FALSE, useBytes = FALSE) {
        if (isTRUE(fixed)) return(dbplyr::sql_expr(contains(!!x, !!pattern)))
        if (isTRUE(ignore.case)) return(dbplyr::sql_expr(regexp_matches(!!x, !!pattern, "i")))
        matches(x, pattern)
      },
      startsWith = function(x, prefix) dbplyr::sql_expr(starts_with(!!x, !!prefix)),
      str_starts = function(string, pattern) {
        dbplyr::sql_expr(regexp_matches(!!string, !!paste0("^(", pattern, ")")))
      },
      # SQL rounds where R cuts off: an age of 17.9 years is 17.
      as.integer = function(x) dbplyr::sql_expr(CAST(TRUNC(CAST(!!x %AS% DOUBLE)) %AS% BIGINT)),
      year = function(x) dbplyr::sql_expr(year(!!x)),
      wday = function(x) dbplyr::sql_expr(dayofweek(!!x) + 1L),
      yday = function(x) dbplyr::sql_expr(dayofyear(!!x)),
      difftime = function(time1, time2, units = "days") {
        if (!identical(units, "days")) complain("Differences of dates are in days here.", 'use units = "days"')
        dbplyr::sql_expr(date_diff("day", CAST(!!time2 %AS% DATE), CAST(!!time1 %AS% DATE)))
      },
      paste = function(..., sep = " ") dbplyr::sql_expr(concat_ws(!!sep, !!!list(...))),
      paste0 = function(...) dbplyr::sql_expr(concat(!!!list(...)))
    ),
    dbplyr::sql_translator(
      .parent = parent$aggregate,
      median = function(x, na.rm = FALSE) dbplyr::sql_expr(median(!!x)),
      quantile = function(x, probs, na.rm = FALSE) dbplyr::sql_expr(quantile_cont(!!x, !!probs)),
      first = function(x) dbplyr::sql_expr(first(!!x)),
      last = function(x) dbplyr::sql_expr(last(!!x))
    ),
    parent$window
  )
}
