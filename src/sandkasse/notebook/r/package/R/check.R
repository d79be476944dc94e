#' Check an answer to an exercise
check <- function(exercise, answer = NULL) {
  if (inherits(answer, "sandkasse_table")) answer <- as.data.frame(answer)
  if (inherits(answer, "tbl_lazy")) answer <- dplyr::collect(answer)
  told <- if (is.null(answer)) {
    ask_python("check_from_r", exercise, "blank", NULL)
  } else if (is.data.frame(answer)) {
    ask_python("check_from_r", exercise, "table", write_frame(answer))
  } else {
    ask_python("check_from_r", exercise, "value", as_value(answer))
  }
  verdict <- structure(
    list(exercise = exercise, passed = switch(told[[1]], yes = TRUE, no = FALSE, NA), text = told[[2]], html = told[[3]]),
    class = "sandkasse_verdict"
  )
  if (!isTRUE(getOption("jupyter.in_kernel"))) return(verdict)
  shown <- list("text/plain" = verdict$text, "text/html" = verdict$html)
  if (nzchar(told[[4]])) shown[["application/vnd.sandkasse.verdict+json"]] <- told[[4]]
  IRdisplay::publish_mimebundle(shown)
  invisible(verdict)
}

as_value <- function(answer) {
  if (inherits(answer, "integer64")) answer <- as.double(as.character(answer))
  if (is.factor(answer)) answer <- as.character(answer)
  if (inherits(answer, c("Date", "POSIXt"))) answer <- format(answer, "%Y-%m-%d")
  if (!(is.numeric(answer) || is.character(answer) || is.logical(answer))) {
    complain(
      paste0("Expected a number, a text, a date or a data frame; got ", class(answer)[[1]], "."),
      "hand in one of these"
    )
  }
  if (length(answer) == 1 && is.na(answer)) complain("The answer is NA.", "find out where the NA comes from")
  if (length(answer) == 1) return(unname(answer)[[1]])
  if (length(answer) == 2 && is.numeric(answer)) return(as.list(as.double(answer)))
  if (is.character(answer)) return(as.list(answer))
  complain(
    paste0("Expected one value; got ", length(answer), "."),
    "hand in one number or text, or a data frame with named columns"
  )
}

print.sandkasse_verdict <- function(x, ...) {
  cat(x$text, "\n", sep = "")
  invisible(x)
}
