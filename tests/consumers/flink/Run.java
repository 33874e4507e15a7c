// SPDX-License-Identifier: Apache-2.0
// Runs the statements of a file in Flink's local cluster, then prints what each view named on the command line holds in the end.
import java.nio.file.*;
import java.util.*;
import org.apache.flink.configuration.*;
import org.apache.flink.table.api.*;
import org.apache.flink.types.*;
import org.apache.flink.util.CloseableIterator;

public class Run {
    public static void main(String[] args) throws Exception {
        Configuration conf = new Configuration();
        conf.setString("parallelism.default", "1");
        conf.setString("taskmanager.memory.network.max", "64mb");
        conf.setString("table.local-time-zone", "UTC");
        TableEnvironment env = TableEnvironment.create(EnvironmentSettings.newInstance().inStreamingMode().withConfiguration(conf).build());
        StringBuilder text = new StringBuilder();
        for (String line : Files.readAllLines(Path.of(args[0])))
            if (!line.strip().startsWith("--"))
                text.append(line).append('\n');
        for (String statement : text.toString().split(";"))
            if (!statement.isBlank())
                env.executeSql(statement);
        for (int i = 1; i < args.length; i++) {
            Map<String, Integer> rows = new TreeMap<>();
            try (CloseableIterator<Row> it = env.executeSql("SELECT * FROM " + args[i]).collect()) {
                while (it.hasNext()) {
                    Row row = it.next();
                    int change = row.getKind() == RowKind.INSERT || row.getKind() == RowKind.UPDATE_AFTER ? 1 : -1;
                    row.setKind(RowKind.INSERT);
                    rows.merge(row.toString(), change, Integer::sum);
                }
            }
            for (Map.Entry<String, Integer> row : rows.entrySet())
                for (int n = 0; n < row.getValue(); n++)
                    System.out.println(args[i] + " " + row.getKey());
        }
    }
}
