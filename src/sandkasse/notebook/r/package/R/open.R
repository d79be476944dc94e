# `open` hides base's on purpose and hands connections on to it: library() need not warn in red of that.
.onAttach <- function(libname, pkgname) {
  assign(".conflicts.OK", TRUE, envir = as.environment(paste0("package:", pkgname)))
}

#' Open a dataset by its contract's name
open <- function(name, ..., dataset = NULL) {
  if (inherits(name, "connection")) return(base::open(name, ...))
  if (!is.character(name) || length(name) != 1 || is.na(name)) {
    complain("open takes the name of a contract, in quotes.", 'for example: open("dk-registers")')
  }
  python <- call_python("open_for_r", name, dataset)
  tables <- as.character(ask_python("table_names", python))
  structure(list(python = python, name = name, tables = tables, opened = new.env()), class = "sandkasse_dataset")
}

#' List what can be opened here
datasets <- function() {
  cat(ask_python("list_for_r"), sep = "\n")
}

#' Names of a dataset's tables
tables <- function(registers) unclass(registers)$tables

names.sandkasse_dataset <- function(x) tables(x)

length.sandkasse_dataset <- function(x) length(tables(x))

.DollarNames.sandkasse_dataset <- function(x, pattern = "") grep(pattern, tables(x), value = TRUE)

`$.sandkasse_dataset` <- function(x, name) x[[name]]

`[[.sandkasse_dataset` <- function(x, i) {
  if (is.numeric(i)) i <- tables(x)[[i]]
  parts <- unclass(x)
  if (is.null(parts$opened[[i]])) parts$opened[[i]] <- as_table(x, i)
  parts$opened[[i]]
}

print.sandkasse_dataset <- function(x, ...) {
  cat(ask_python("show_dataset", unclass(x)$python), "\n", sep = "")
  invisible(x)
}

str.sandkasse_dataset <- function(object, ...) print(object)

repr_text.sandkasse_dataset <- function(obj, ...) ask_python("show_dataset", unclass(obj)$python)

repr_html.sandkasse_dataset <- function(obj, ...) ask_python("show_dataset_html", unclass(obj)$python)
