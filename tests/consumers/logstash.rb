# SPDX-License-Identifier: Apache-2.0
# logstash.rb CLASSES OURS DIRECTORY CONFIG: what logstash-codec-protobuf does with each record (the class of Google's compiler for Ruby, decode()), without
# Logstash. OURS is what varve cat says of them; DIRECTORY holds one record a file.
require 'json'
$LOAD_PATH.unshift ARGV[0]
require 'varve_pb'
type = Google::Protobuf::DescriptorPool.generated_pool.lookup('varve.v1.Event').msgclass
ours = File.readlines(ARGV[1]).map { |l| JSON.parse(l) }.to_h { |e| [e['sequence'], e] }
seen = Dir["#{ARGV[2]}/*.bin"].sort.map do |file|
  event = JSON.parse(type.decode(File.binread(file)).to_json(preserve_proto_fieldnames: true))
  want = ours[event['sequence']]
  abort "#{want['kind']}: #{event} and not #{want}" unless event == want
  event['sequence']
end
abort "#{seen.uniq.size} of #{ours.size} records" unless seen.uniq.size == ours.size
puts "# #{seen.size} records decoded by Ruby's classes, the same as ours"
# The filter's code, with a stand-in for what Logstash gives it.
module LogStash
  Timestamp = Struct.new(:seconds, :micros) { def self.at(seconds, micros) = new(seconds, micros) }
end
code = File.read(ARGV[3])[/code => '(.*?)'/m, 1] or abort 'no code in the configuration'
ours.each_value do |want|
  event = want.dup
  def event.get(name) = self[name]
  def event.set(name, value) = store(name, value)
  eval(code)
  abort "#{want['kind']}: id #{event['[@metadata][id]']}" unless event['[@metadata][id]'] == "#{want['run_id']}/#{want['sequence']}"
  time = event['@timestamp']
  abort "#{want['kind']}: time #{time}" unless time.seconds * 1_000_000_000 + (time.micros * 1000).round == want['time_unix_nano'].to_i
end
begin
  type.decode("\xff\xff".b)
  abort 'what is no Event was decoded'
rescue Google::Protobuf::ParseError
end
