# A table that is not read until it is asked for. Where dbplyr is installed it is a lazy table of dbplyr's, so that
# every dplyr verb becomes SQL; else it can be looked at, read in part, and asked in SQL.

as_table <- function(registers, table) {
  columns <- describe_columns(registers, table)
  if (has_dbplyr()) return(lazy_table(registers, dbplyr::ident(table), columns$column))
  structure(list(registers = registers, table = table, columns = columns), class = "sandkasse_table")
}

has_dbplyr <- function() {
  requireNamespace("dbplyr", quietly = TRUE) && requireNamespace("dplyr", quietly = TRUE) &&
    requireNamespace("DBI", quietly = TRUE)
}

#' The columns of a table: types, units and meanings, as the contract tells them
describe <- function(registers, table) describe_columns(registers, table)

describe_columns <- function(registers, table) {
  told <- ask_python("describe_table", unclass(registers)$python, table)
  told <- lapply(told, as.character)
  data.frame(column = told[[1]], type = told[[2]], unit = told[[3]], meaning = told[[4]])
}

#' Ask in SQL, DuckDB's own
query <- function(registers, sql) {
  if (!is.character(sql)) complain("query takes a dataset and a text of SQL.", 'query(registers, "SELECT ...")')
  read_answer(call_python("ask", unclass(registers)$python, paste(sql, collapse = "\n"), largest_answer()))
}

# Values (rows times columns) that an answer may have: our choice, about 1.5 GB in R.
largest_answer <- function() as.numeric(getOption("sandkasse.largest", 2e8))

#' Read a table, or some of its columns and rows, as a data frame
read_table <- function(registers, table, columns = NULL, where = NULL, n = NULL) {
  known <- describe_columns(registers, table)$column
  wrong <- setdiff(columns, known)
  if (length(wrong)) {
    complain(
      paste0("There is no column '", wrong[[1]], "' in ", table, "."), paste("columns:", paste(known, collapse = ", "))
    )
  }
  chosen <- if (is.null(columns)) "*" else paste(quote_name(columns), collapse = ", ")
  sql <- paste("SELECT", chosen, "FROM", quote_name(table))
  if (!is.null(where)) sql <- paste0(sql, " WHERE (", where, "\n)")
  if (!is.null(n) && is.finite(n)) sql <- paste(sql, "LIMIT", format(n, scientific = FALSE))
  query(registers, sql)
}

quote_name <- function(names) paste0("\"", gsub("\"", "\"\"", names, fixed = TRUE), "\"")

collect.sandkasse_table <- function(x, ..., columns = NULL, where = NULL, n = NULL) {
  parts <- unclass(x)
  read_table(parts$registers, parts$table, columns = columns, where = where, n = n)
}

as.data.frame.sandkasse_table <- function(x, ...) as.data.frame(collect.sandkasse_table(x))

names.sandkasse_table <- function(x) unclass(x)$columns$column

dim.sandkasse_table <- function(x) {
  parts <- unclass(x)
  c(n_rows(parts$registers, parts$table), nrow(parts$columns))
}

n_rows <- function(registers, table) ask_python("count_rows", unclass(registers)$python, table)

head.sandkasse_table <- function(x, n = 6L, ...) collect.sandkasse_table(x, n = n)

describe_lines <- function(x) {
  parts <- unclass(x)
  columns <- parts$columns
  head <- paste0(parts$table, ": ", format(n_rows(parts$registers, parts$table), big.mark = ","), " rows, not read yet")
  unit <- ifelse(nzchar(columns$unit), paste0(" (", columns$unit, ")"), "")
  c(head, paste0("  ", format(columns$column), "  ", format(columns$type), "  ", columns$meaning, unit))
}

print.sandkasse_table <- function(x, ...) {
  cat(describe_lines(x), sep = "\n")
  cat(
    "next: head(x), read_table(registers, \"", unclass(x)$table, "\", columns = , where = ), or query() in SQL;\n",
    "      for dplyr verbs: sudo apt install r-cran-dbplyr\n",
    sep = ""
  )
  invisible(x)
}

str.sandkasse_table <- function(object, ...) print(object)

repr_text.sandkasse_table <- function(obj, ...) paste(describe_lines(obj), collapse = "\n")

repr_html.sandkasse_table <- function(obj, ...) {
  escape <- function(text) gsub(">", "&gt;", gsub("<", "&lt;", gsub("&", "&amp;", text, fixed = TRUE), fixed = TRUE))
  paste0("<pre>", paste(escape(describe_lines(obj)), collapse = "\n"), "</pre>")
}
