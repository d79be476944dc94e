# The line to Python: one module, whose functions take and give texts and numbers only.

the <- new.env(parent = emptyenv())

bridge <- function() {
  if (is.null(the$bridge)) {
    the$bridge <- tryCatch(
      reticulate::import("sandkasse.notebook.r_bridge", convert = FALSE),
      error = function(e) {
        used <- tryCatch(reticulate::py_config()$python, error = function(e) "none")
        complain(
          paste0("The Python that R uses (", used, ") has no Sandkasse."),
          "set RETICULATE_PYTHON before R starts; `sandkasse r show` prints the line"
        )
      }
    )
  }
  the$bridge
}

# Call a function of the bridge; what Sandkasse has to say comes as one R error without a Python trace.
call_python <- function(name, ...) {
  python <- bridge()
  given <- list(...) # made first: what goes wrong in making them is not Python's
  tryCatch(
    do.call(python[[name]], given),
    error = function(e) {
      told <- reticulate::py_to_r(python$last_error())
      if (length(told) < 3) stop(conditionMessage(e), call. = FALSE)
      complain(told[[2]], told[[3]], class = told[[1]])
    }
  )
}

ask_python <- function(name, ...) {
  reticulate::py_to_r(call_python(name, ...))
}

complain <- function(message, next_step, class = NULL) {
  message <- paste0(message, "\nnext: ", next_step)
  the$complaint <- list(name = if (is.null(class)) "Error" else class, message = message)
  stop(structure(
    class = c(class, "sandkasse_error", "error", "condition"),
    list(message = message, call = NULL, next_step = next_step)
  ))
}

needs <- function(package, why) {
  if (!requireNamespace(package, quietly = TRUE)) {
    complain(
      paste0(why, " needs the R package ", package, ", which is not installed."),
      paste0("on Debian: sudo apt install r-cran-", tolower(package))
    )
  }
}
