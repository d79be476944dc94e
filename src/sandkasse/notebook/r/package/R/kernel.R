# A notebook's kernel: IRkernel's, but that Sandkasse's own errors are their two lines, as in Python. IRkernel puts the
# stack of calls under every error and has no switch for it, so the messages are looked at on their way out.

start_kernel <- function(connection_file = commandArgs(TRUE)[[1]]) {
  kernel <- getFromNamespace("Kernel", "IRkernel")$new(connection_file = connection_file)
  # An IRkernel that is built otherwise works as it comes, with its stack.
  try(kernel$executor$send_response <- without_stack(kernel$executor$send_response), silent = TRUE)
  kernel$run()
}

# Wrap the function that sends a kernel's messages.
without_stack <- function(send) {
  force(send)
  function(msg_type, parent_msg, socket_name, content) {
    ours <- the$complaint # what `complain` said last
    if (!is.null(ours) && identical(trimws(content$evalue), paste("Error:", ours$message))) {
      lines <- strsplit(ours$message, "\n", fixed = TRUE)[[1]]
      lines[[1]] <- paste0(ours$name, ": ", lines[[1]])
      content$ename <- ours$name
      content$evalue <- ours$message
      content$traceback <- as.list(lines)
    }
    send(msg_type, parent_msg, socket_name, content)
  }
}
