import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import org.apache.kafka.common.utils.Exit;

/**
 * Runs Kafka's command-line tools one after another in one JVM, whose start would cost more than most of them.
 *
 * <p>Each input line is base64 of: class, standard input and arguments, divided by NUL. The answer is a line with the
 * exit status and base64 of standard output and standard error.
 */
public final class Tools {
  private static final class Exited extends RuntimeException {
    final int status;

    Exited(int status) {
      super("Tools exited", null, false, false);
      this.status = status;
    }
  }

  /** Some tools catch what unwinds them and exit again: their first word counts. */
  private static Exited exited;

  private Tools() {}

  private static void exit(int status) {
    if (exited == null) exited = new Exited(status);
    throw exited;
  }

  public static void main(String[] arguments) throws Exception {
    PrintStream answers = System.out;
    BufferedReader commands = new BufferedReader(new InputStreamReader(System.in));
    Exit.setExitProcedure((status, message) -> exit(status));
    Exit.setHaltProcedure((status, message) -> exit(status));
    for (String line = commands.readLine(); line != null; line = commands.readLine()) {
      String[] parts = new String(Base64.getDecoder().decode(line), StandardCharsets.UTF_8).split("\0", -1);
      ByteArrayOutputStream output = new ByteArrayOutputStream();
      ByteArrayOutputStream errors = new ByteArrayOutputStream();
      System.setIn(new ByteArrayInputStream(parts[1].getBytes(StandardCharsets.UTF_8)));
      System.setOut(new PrintStream(output, true));
      System.setErr(new PrintStream(errors, true));
      int status = run(parts[0], Arrays.copyOfRange(parts, 2, parts.length));
      System.out.flush();
      System.err.flush();
      Base64.Encoder encoder = Base64.getEncoder();
      answers.println(status + " " + encoder.encodeToString(output.toByteArray()) + " "
          + encoder.encodeToString(errors.toByteArray()));
      answers.flush();
    }
    System.exit(0);
  }

  private static int run(String tool, String[] arguments) throws Exception {
    exited = null;
    try {
      Class.forName(tool).getMethod("main", String[].class).invoke(null, (Object) arguments);
      return 0;
    } catch (InvocationTargetException failure) {
      if (exited != null) return exited.status;
      failure.getCause().printStackTrace(System.err);
      return 1;
    }
  }
}
