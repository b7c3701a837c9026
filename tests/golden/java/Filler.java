import java.lang.reflect.Method;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.types.BoundField;
import org.apache.kafka.common.protocol.types.Field;
import org.apache.kafka.common.protocol.types.RawTaggedField;
import org.apache.kafka.common.protocol.types.Schema;
import org.apache.kafka.common.protocol.types.TaggedFields;
import org.apache.kafka.common.record.internal.MemoryRecords;

/**
 * Gives every field that a version has a value that follows from message, version and variant alone.
 *
 * Which fields those are is read from the class's own schema of that version, so nothing is set that can't be written.
 */
final class Filler {
    enum Variant {
        /** As the constructor leaves it. */
        DEFAULTS,
        /** Every field set, arrays of two. */
        FULL,
        /** Null wherever that is allowed, the rest set. */
        NULLS,
        /** Empty strings and arrays, the least numbers. */
        EMPTY,
        /** Lengths that take two bytes as a varint, and tagged fields that nobody knows. */
        LONG,
        RANDOM_1,
        RANDOM_2,
        RANDOM_3,
    }

    private static final int[] UNKNOWN_TAGS = {30, 200, 70_000};

    private final short version;
    private final Variant variant;
    private final Random random;
    private int depth = 0;

    Filler(String name, short version, Variant variant) {
        this.version = version;
        this.variant = variant;
        this.random = new Random(name.hashCode() * 1_000_003L + version * 31L + variant.ordinal());
    }

    void fill(Message message) throws ReflectiveOperationException {
        depth++;
        Schema schema = ((Schema[]) message.getClass().getField("SCHEMAS").get(null))[version];
        Map<String, Method> setters = new HashMap<>();
        for (Method method : message.getClass().getMethods()) {
            if (method.getName().startsWith("set") && method.getParameterCount() == 1) {
                setters.put(plain(method.getName().substring(3)), method);
            }
        }
        for (BoundField bound : schema.fields()) {
            if (bound.def.type instanceof TaggedFields tagged) {
                for (Field field : tagged.fields().values()) {
                    set(message, setters, field);
                }
                addUnknownTags(message);
            } else {
                set(message, setters, bound.def);
            }
        }
        depth--;
    }

    private static String plain(String name) {
        return name.replace("_", "").toLowerCase();
    }

    private boolean isRandom() {
        return variant.ordinal() >= Variant.RANDOM_1.ordinal();
    }

    private void addUnknownTags(Message message) {
        boolean some = variant == Variant.LONG || isRandom() && random.nextInt(3) == 0;
        for (int tag : some ? UNKNOWN_TAGS : new int[0]) {
            message.unknownTaggedFields().add(new RawTaggedField(tag, bytes(random.nextInt(depth == 1 ? 200 : 4))));
        }
    }

    private void set(Message message, Map<String, Method> setters, Field field) throws ReflectiveOperationException {
        Method setter = setters.get(plain(field.name));
        if (setter == null) {
            throw new IllegalStateException(message.getClass() + " has no setter for " + field.name);
        }
        boolean absent = variant == Variant.NULLS || isRandom() && random.nextInt(3) == 0;
        Object value = field.type.isNullable() && absent ? null
            : value(setter.getGenericParameterTypes()[0], field.type.toString());
        setter.invoke(message, value);
    }

    private Object value(Type type, String wireType) throws ReflectiveOperationException {
        if (type instanceof ParameterizedType list) {
            return elements(new ArrayList<>(), list.getActualTypeArguments()[0]);
        }
        Class<?> c = (Class<?>) type;
        if (Collection.class.isAssignableFrom(c)) {
            // Arrays with a key have a collection of their own that names its element in its superclass.
            Type element = ((ParameterizedType) c.getGenericSuperclass()).getActualTypeArguments()[0];
            @SuppressWarnings("unchecked")
            Collection<Object> to = (Collection<Object>) c.getDeclaredConstructor().newInstance();
            return elements(to, element);
        }
        if (Message.class.isAssignableFrom(c)) {
            Message out = (Message) c.getDeclaredConstructor().newInstance();
            fill(out);
            return out;
        }
        if (c == boolean.class || c == Boolean.class) {
            return variant != Variant.EMPTY && (!isRandom() || random.nextBoolean());
        }
        if (c == byte.class || c == Byte.class) {
            return (byte) number(Byte.MIN_VALUE);
        }
        if (c == short.class || c == Short.class) {
            return (short) number(Short.MIN_VALUE);
        }
        if (c == int.class || c == Integer.class) {
            // A class keeps the kinds without a sign in the next larger type.
            return wireType.equals("UINT16") ? (int) number(0) & 0xffff : (int) number(Integer.MIN_VALUE);
        }
        if (c == long.class || c == Long.class) {
            return wireType.equals("UINT32") ? number(0) & 0xffffffffL : number(Long.MIN_VALUE);
        }
        if (c == double.class) {
            return variant == Variant.EMPTY ? -Double.MAX_VALUE : random.nextGaussian() * 1e9;
        }
        if (c == String.class) {
            return text();
        }
        if (c == Uuid.class) {
            return new Uuid(random.nextLong(), random.nextLong());
        }
        if (c == byte[].class) {
            return bytes(size());
        }
        if (c == ByteBuffer.class) {
            return ByteBuffer.wrap(bytes(size()));
        }
        if (c.getSimpleName().equals("BaseRecords")) {
            return MemoryRecords.readableRecords(ByteBuffer.wrap(bytes(size())));
        }
        throw new IllegalStateException("no value for " + c);
    }

    private Collection<Object> elements(Collection<Object> to, Type element) throws ReflectiveOperationException {
        boolean struct = Message.class.isAssignableFrom((Class<?>) element);
        int count = switch (variant) {
            case EMPTY -> 0;
            case LONG -> isLong() ? 130 : struct ? 1 : 2;
            case FULL, NULLS -> 2;
            default -> random.nextInt(4);
        };
        for (int i = 0; i < count; i++) {
            to.add(value(element, ""));
        }
        return to;
    }

    private long number(long least) {
        if (variant == Variant.EMPTY) {
            return least;
        }
        long value = random.nextLong();
        return isRandom() ? value >> random.nextInt(64) : value;
    }

    /** At the top everything is long, further down little of it, or the file would be too. */
    private boolean isLong() {
        return depth == 1 || random.nextInt(1 << 3 * depth) == 0;
    }

    private int size() {
        return switch (variant) {
            case EMPTY -> 0;
            case LONG -> isLong() ? 130 + random.nextInt(170) : 2;
            default -> random.nextInt(6) + (isRandom() ? 0 : 1);
        };
    }

    private byte[] bytes(int size) {
        byte[] out = new byte[size];
        random.nextBytes(out);
        return out;
    }

    private String text() {
        StringBuilder out = new StringBuilder();
        for (int left = size(); left > 0; left--) {
            out.append(List.of("a", "Z", "-", "ö", "€", "7", "😀").get(random.nextInt(7)));
        }
        return out.toString();
    }
}
