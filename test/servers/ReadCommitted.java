import java.io.BufferedOutputStream;
import java.io.DataOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Writes all records of a topic that are visible under read_committed, as frames on standard output.
 *
 * <p>Arguments: the brokers, the topic, and settings of the consumer as name=value. It reads each partition from the beginning to
 * the last stable offset at its start. A frame, numbers big-endian, a length of -1 for null:
 *
 * <pre>
 *   partition 4 | offset 8 | timestamp 8 | key length 4 | key | value length 4 | value
 *   | headers 4 | (name length 4 | name | value length 4 | value) ...
 * </pre>
 *
 * <p>Behind the last one stand the partition -1 and the number of records, 8 bytes.
 */
public final class ReadCommitted {
  public static void main(String[] args) throws IOException {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", args[0]);
    settings.put("isolation.level", "read_committed");
    settings.put("enable.auto.commit", "false");
    settings.put("auto.offset.reset", "none");
    settings.put("max.poll.records", "10000");
    settings.put("max.partition.fetch.bytes", "8000000");
    // The end would wait for a fetch that is still open.
    settings.put("fetch.max.wait.ms", "20");
    for (int i = 2; i < args.length; i++) {
      int equals = args[i].indexOf('=');
      settings.put(args[i].substring(0, equals), args[i].substring(equals + 1));
    }
    FileOutputStream file = new FileOutputStream(FileDescriptor.out);
    DataOutputStream out = new DataOutputStream(new BufferedOutputStream(file, 1 << 18));
    ByteArrayDeserializer bytes = new ByteArrayDeserializer();
    long count = 0;
    try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(settings, bytes, bytes)) {
      List<TopicPartition> partitions =
          consumer.partitionsFor(args[1]).stream()
              .map(info -> new TopicPartition(info.topic(), info.partition()))
              .toList();
      if (partitions.isEmpty()) throw new IllegalArgumentException("There is no topic " + args[1]);
      consumer.assign(partitions);
      Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
      consumer.seekToBeginning(partitions);
      while (!isDone(consumer, ends)) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
          if (record.offset() >= ends.get(new TopicPartition(record.topic(), record.partition()))) continue;
          write(out, record);
          count++;
        }
      }
    }
    out.writeInt(-1);
    out.writeLong(count);
    out.flush();
  }

  /** Whether all partitions are read; one that is, is paused. Control records take offsets too, so the position counts. */
  private static boolean isDone(
      KafkaConsumer<byte[], byte[]> consumer, Map<TopicPartition, Long> ends) {
    boolean all = true;
    for (Map.Entry<TopicPartition, Long> end : ends.entrySet()) {
      if (consumer.position(end.getKey()) < end.getValue()) all = false;
      else consumer.pause(List.of(end.getKey()));
    }
    return all;
  }

  private static void write(DataOutputStream out, ConsumerRecord<byte[], byte[]> record)
      throws IOException {
    out.writeInt(record.partition());
    out.writeLong(record.offset());
    out.writeLong(record.timestamp());
    write(out, record.key());
    write(out, record.value());
    Header[] headers = record.headers().toArray();
    out.writeInt(headers.length);
    for (Header header : headers) {
      write(out, header.key().getBytes(StandardCharsets.UTF_8));
      write(out, header.value());
    }
  }

  private static void write(DataOutputStream out, byte[] bytes) throws IOException {
    if (bytes == null) {
      out.writeInt(-1);
      return;
    }
    out.writeInt(bytes.length);
    out.write(bytes);
  }
}
