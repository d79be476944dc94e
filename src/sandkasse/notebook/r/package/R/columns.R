# Columns travel as files of plain binary values; see r_bridge.py, which writes and reads the other side.

read_answer <- function(answer) {
  names <- as.character(ask_python("column_names", answer))
  stem <- tempfile("sandkasse-")
  on.exit(unlink(paste0(stem, c(".values", ".lengths", ".texts"))))
  columns <- lapply(seq_along(names) - 1, function(index) {
    kind <- ask_python("write_column", answer, index, stem)
    read_column(kind, stem)
  })
  n <- if (length(columns)) length(columns[[1]]) else 0L
  frame <- structure(columns, names = names, row.names = .set_row_names(n), class = "data.frame")
  if (requireNamespace("tibble", quietly = TRUE)) tibble::as_tibble(frame, .name_repair = "minimal") else frame
}

read_column <- function(kind, stem) {
  path <- paste0(stem, ".values")
  four <- function() readBin(path, "integer", file.size(path) / 4, size = 4, endian = "little")
  eight <- function() readBin(path, "double", file.size(path) / 8, size = 8, endian = "little")
  switch(kind,
    logical = as.logical(four()),
    integer = four(),
    double = eight(),
    Date = structure(eight(), class = "Date"),
    POSIXct = structure(eight(), class = c("POSIXct", "POSIXt"), tzone = "UTC"),
    difftime = structure(eight(), class = "difftime", units = "secs"),
    character = read_texts(stem)[four()],
    stop("unknown kind of column: ", kind)
  )
}

read_texts <- function(stem) {
  size <- file.size(paste0(stem, ".lengths")) / 4
  if (size == 0) return(character())
  lengths <- readBin(paste0(stem, ".lengths"), "integer", size, size = 4, endian = "little")
  connection <- file(paste0(stem, ".texts"), "rb")
  on.exit(close(connection))
  texts <- character(size)
  filled <- lengths > 0 # readChar ends at the first empty text
  texts[filled] <- readChar(connection, lengths[filled], useBytes = TRUE)
  Encoding(texts) <- "UTF-8"
  texts
}

write_frame <- function(frame) {
  folder <- tempfile("sandkasse-")
  dir.create(folder)
  on.exit(unlink(folder, recursive = TRUE))
  stems <- file.path(folder, seq_along(frame))
  kinds <- mapply(write_column, frame, stems, names(frame), USE.NAMES = FALSE)
  call_python("read_columns", as.list(names(frame)), as.list(as.character(kinds)), as.list(stems))
}

write_column <- function(column, stem, name) {
  path <- paste0(stem, ".values")
  if (is.factor(column)) column <- as.character(column)
  if (inherits(column, "Date")) {
    writeBin(as.double(column), path, endian = "little")
    return("Date")
  }
  if (inherits(column, "POSIXt")) {
    writeBin(as.double(as.POSIXct(column)), path, endian = "little")
    return("POSIXct")
  }
  if (inherits(column, "integer64")) column <- as.double(as.character(column))
  if (is.character(column)) {
    texts <- unique(column[!is.na(column)])
    raw <- lapply(enc2utf8(texts), charToRaw)
    writeBin(as.integer(lengths(raw)), paste0(stem, ".lengths"), endian = "little")
    writeBin(as.raw(unlist(raw)), paste0(stem, ".texts"))
    writeBin(match(column, texts), path, endian = "little")
    return("character")
  }
  if (is.logical(column) || is.integer(column)) {
    writeBin(as.integer(column), path, endian = "little")
    return(if (is.logical(column)) "logical" else "integer")
  }
  if (is.numeric(column)) {
    writeBin(as.double(column), path, endian = "little")
    return("double")
  }
  complain(
    paste0("The column '", name, "' is a ", class(column)[[1]], ", which cannot be handed in."),
    "give columns of numbers, texts, dates or truth values"
  )
}
