import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.common.protocol.types.BoundField;
import org.apache.kafka.common.protocol.types.Field;
import org.apache.kafka.common.protocol.types.Schema;
import org.apache.kafka.common.protocol.types.TaggedFields;
import org.apache.kafka.common.protocol.types.Type;

/**
 * Says which fields a class has in one version, in order: bytes alone don't tell two neighbours of one type apart.
 *
 * A field is its name, a colon and its type; arrays are in brackets, structs in braces, "?" may be null, "@n" is a tag.
 */
final class Fields {
    private Fields() { }

    static String of(Schema schema) {
        List<String> out = new ArrayList<>();
        Map<Integer, Field> tagged = new TreeMap<>();
        for (BoundField bound : schema.fields()) {
            if (bound.def.type instanceof TaggedFields tags) {
                tagged.putAll(tags.fields());
            } else {
                out.add(bound.def.name + ":" + type(bound.def.type));
            }
        }
        tagged.forEach((tag, field) -> out.add(field.name + ":" + type(field.type) + "@" + tag));
        return String.join(",", out);
    }

    private static String type(Type type) {
        String out;
        if (type.isArray()) {
            out = "[" + type(type.arrayElementType().get()) + "]";
        } else if (type instanceof Schema schema) {
            out = "{" + of(schema) + "}";
        } else {
            out = type.toString().replace("COMPACT_", "").replace("NULLABLE_", "").toLowerCase();
        }
        return type.isNullable() && !out.equals("records") ? out + "?" : out;
    }
}
