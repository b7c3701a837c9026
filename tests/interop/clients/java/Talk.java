import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.concurrent.Callable;

/** The lines that a client program exchanges with run.py. */
final class Talk {
  private static final BufferedReader INPUT = new BufferedReader(new InputStreamReader(System.in));

  private Talk() {}

  interface Step {
    void run() throws Exception;
  }

  /** Runs one check: what it throws is its failure. */
  static void check(String name, Step step) {
    String only = System.getenv("MOLDAU_INTEROP_ONLY");
    if (only != null && !name.contains(only)) return;
    try {
      step.run();
      System.out.println("ok " + name);
    } catch (Throwable failure) {
      Throwable cause = failure.getCause() != null ? failure.getCause() : failure;
      String text = String.valueOf(cause).replace('\n', ' ');
      StackTraceElement where = null;
      for (StackTraceElement element : failure.getStackTrace()) {
        if (element.getFileName() != null && element.getFileName().matches("(Client|Admins|Groups).java")) {
          where = element;
          break;
        }
      }
      System.out.println("fail " + name + ": " + text + " at " + where);
    }
    System.out.flush();
  }

  /** Asks for `broker stop` or `broker kill` with a start after it, and waits until the broker is back. */
  static void broker(String how) throws Exception {
    System.out.println("broker " + how);
    System.out.flush();
    String answer = INPUT.readLine();
    if (!"done".equals(answer)) throw new IllegalStateException("no broker: " + answer);
  }

  static void end() {
    System.out.println("end");
    System.out.flush();
  }

  static void same(String what, Object wanted, Object got) {
    if (!String.valueOf(wanted).equals(String.valueOf(got)))
      throw new AssertionError(what + ": wanted " + wanted + ", got " + got);
  }

  static void that(String what, boolean good) {
    if (!good) throw new AssertionError(what);
  }

  /** Runs `step`, which must fail with an exception of this simple name. */
  static void fails(String exception, Callable<?> step) throws Exception {
    try {
      step.call();
    } catch (Exception failure) {
      Throwable cause = failure instanceof java.util.concurrent.ExecutionException ? failure.getCause() : failure;
      same("the error", exception, cause.getClass().getSimpleName() + (exception.contains(":") ? ": " + cause.getMessage() : ""));
      return;
    }
    throw new AssertionError("wanted " + exception + ", but it succeeded");
  }
}
