import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.util.HexFormat;
import org.apache.kafka.clients.producer.internals.BuiltInPartitioner;

/**
 * Tells the partition that the Java producer gives to keys.
 *
 * <p>Argument: the number of partitions. Reads a key a line in hexadecimal digits, and writes a partition a line.
 */
public final class JavaPartitions {
  public static void main(String[] args) throws IOException {
    int partitions = Integer.parseInt(args[0]);
    StringBuilder answer = new StringBuilder();
    try (BufferedReader lines = new BufferedReader(new InputStreamReader(System.in))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        byte[] key = HexFormat.of().parseHex(line);
        answer.append(BuiltInPartitioner.partitionForKey(key, partitions)).append('\n');
      }
    }
    System.out.print(answer);
  }
}
