import java.io.BufferedOutputStream;
import java.io.DataOutputStream;
import java.io.File;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Enumeration;
import java.util.Map;
import java.util.TreeMap;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.MessageUtil;
import org.apache.kafka.common.protocol.types.Schema;

/**
 * Writes what Kafka's own classes make of every message at every version, for moldau's test to decode and encode again.
 *
 * The messages are all classes on the class path that are one, so none can be forgotten. An entry of the file is: the
 * class's name (two bytes of length, text), version (two bytes), variant (one byte), size (four bytes), bytes. A second
 * file has a line for each message and version: name, version, fields.
 */
public final class Golden {
    public static void main(String[] args) throws Exception {
        Map<String, Class<?>> messages = messages();
        int entries = 0;
        try (DataOutputStream out = new DataOutputStream(
                new BufferedOutputStream(Files.newOutputStream(Path.of(args[0]))));
                PrintWriter fields = new PrintWriter(args[1])) {
            for (Class<?> type : messages.values()) {
                entries += write(type, out);
                Schema[] schemas = (Schema[]) type.getField("SCHEMAS").get(null);
                for (int version = 0; version < schemas.length; version++) {
                    if (schemas[version] != null) {
                        fields.println(type.getSimpleName() + " " + version + " " + Fields.of(schemas[version]));
                    }
                }
            }
        }
        System.out.println(messages.size() + " messages, " + entries + " entries");
    }

    private static Map<String, Class<?>> messages() throws Exception {
        Map<String, Class<?>> out = new TreeMap<>();
        for (String path : System.getProperty("java.class.path").split(File.pathSeparator)) {
            if (!new File(path).getName().startsWith("kafka-")) {
                continue;
            }
            try (JarFile jar = new JarFile(path)) {
                for (Enumeration<JarEntry> e = jar.entries(); e.hasMoreElements();) {
                    String name = e.nextElement().getName();
                    if (!name.matches(".*/(generated|common/message|common/metadata)/[^/]*") || !name.endsWith(".class") || name.contains("$")) {
                        continue;
                    }
                    Class<?> type = Class.forName(name.substring(0, name.length() - 6).replace('/', '.'));
                    if (Message.class.isAssignableFrom(type)) {
                        out.put(type.getName(), type);
                    }
                }
            }
        }
        return out;
    }

    private static int write(Class<?> type, DataOutputStream out) throws Exception {
        Message blank = (Message) type.getDeclaredConstructor().newInstance();
        int entries = 0;
        for (int version = blank.lowestSupportedVersion(); version <= blank.highestSupportedVersion(); version++) {
            for (Filler.Variant variant : Filler.Variant.values()) {
                Message message = (Message) type.getDeclaredConstructor().newInstance();
                if (variant != Filler.Variant.DEFAULTS) {
                    new Filler(type.getSimpleName(), (short) version, variant).fill(message);
                }
                byte[] bytes;
                try {
                    bytes = MessageUtil.toByteBufferAccessor(message, (short) version).buffer().array();
                } catch (NullPointerException e) {
                    // What a class begins with isn't always something that it can write.
                    if (variant == Filler.Variant.DEFAULTS) {
                        continue;
                    }
                    throw new IllegalStateException(type + " version " + version + " " + variant, e);
                }
                out.writeUTF(type.getSimpleName());
                out.writeShort(version);
                out.writeByte(variant.ordinal());
                out.writeInt(bytes.length);
                out.write(bytes);
                entries++;
            }
        }
        return entries;
    }
}
