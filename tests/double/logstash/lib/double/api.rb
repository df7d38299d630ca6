# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
require "json"
require "securerandom"
require "socket"

module Double
  # The monitoring API. It tells what the stand-in knows and leaves out the rest (rates, codecs, hashes).
  class Api
    def initialize(settings, version, uuid, pipelines)
      @settings = settings
      @version = version
      @pipelines = pipelines
      @ids = { "id" => uuid, "ephemeral_id" => SecureRandom.uuid }
      @started = Time.now
      @server = listen
      @port = @server.addr[1]
    end

    attr_reader :port

    def serve
      Thread.new do
        loop do
          socket = @server.accept
          Thread.new { answer(socket) }
        end
      end
    end

    private

    # The first free port of a range, as Logstash does.
    def listen
      first, last = @settings["api.http.port"].to_s.split("-").map(&:to_i)
      (first..(last || first)).each do |port|
        return TCPServer.new(@settings["api.http.host"], port)
      rescue Errno::EADDRINUSE
        raise if port == (last || first)
      end
    end

    def answer(socket)
      path = socket.gets.to_s.split[1].to_s
      nil until socket.gets.to_s.strip.empty?
      found = body(path.sub(/\?.*/, "").chomp("/"))
      status = found ? "200 OK" : "404 Not Found"
      text = JSON.generate(found ? common.merge(found) : { path: path, status: 404, error: { message: "Not Found" } })
      socket.write("HTTP/1.1 #{status}\r\nContent-Type: application/json\r\nContent-Length: #{text.bytesize}\r\nConnection: close\r\n\r\n#{text}")
    rescue SystemCallError, IOError
      nil
    ensure
      socket.close
    end

    def body(path)
      case path
      when "" then {}
      when "/_node/pipelines" then { pipelines: running.to_h { |one| [one.id, node(one)] } }
      when "/_node/stats/pipelines" then { pipelines: @pipelines.to_h { |one| [one.id, stats(one)] } }
      when %r{\A/_node/stats/pipelines/(.+)} then one_of(Regexp.last_match(1))
      when "/_node/stats/events" then { events: events(running) }
      when "/_node/stats/jvm" then { jvm: jvm }
      end
    end

    def one_of(id)
      one = @pipelines.find { |pipeline| pipeline.id == id }
      one && { pipelines: { id => stats(one) } }
    end

    def running
      @pipelines.reject(&:error)
    end

    def common
      { host: Socket.gethostname, version: @version, http_address: "#{@settings['api.http.host']}:#{@port}" }
        .merge(@ids, name: Socket.gethostname, snapshot: nil, status: running.size == @pipelines.size ? "green" : "unknown",
                     pipeline: { workers: 1, batch_size: @settings["pipeline.batch.size"], batch_delay: @settings["pipeline.batch.delay"] })
    end

    def node(one)
      { workers: 1, batch_size: one.batch_size, batch_delay: one.batch_delay, config_reload_automatic: false,
        config_reload_interval: 3_000_000_000, dead_letter_queue_enabled: false }
    end

    def stats(one)
      return failed(one) if one.error

      ids, counts = one.plugin_ids, one.counts
      { events: events([one]),
        plugins: {
          inputs: [{ id: ids["inputs"], name: "couchdb_changes", events: { out: counts[:in] } }],
          filters: [{ id: ids["filters"], name: "ruby", events: { in: counts[:filter_in], out: counts[:filter_out] } }],
          outputs: [{ id: ids["outputs"], name: "http",
                      events: { in: counts[:output_in], out: counts[:out], duration_in_millis: counts[:duration] } }]
        },
        reloads: reloads, queue: { type: "memory" }, pipeline: { workers: 1, batch_size: one.batch_size, batch_delay: one.batch_delay } }
    end

    def failed(one)
      { events: nil, flow: nil, plugins: { inputs: [], codecs: [], filters: [], outputs: [] },
        reloads: reloads.merge(last_error: { message: one.error, backtrace: [] }, failures: 1, last_failure_timestamp: one.failed_at.strftime("%FT%T.%NZ")),
        queue: nil, pipeline: { workers: nil, batch_size: nil, batch_delay: nil } }
    end

    def reloads
      { last_success_timestamp: nil, last_failure_timestamp: nil, successes: 0, failures: 0, last_error: nil }
    end

    def events(pipelines)
      { in: :in, filtered: :filtered, out: :out, duration_in_millis: :duration }.transform_values { |name| pipelines.sum { |one| one.counts[name] } }
    end

    # There is no heap: the stand-in's own memory is told, as a part of the heap it was told to take.
    def jvm
      used = File.read("/proc/self/status")[/VmRSS:\s+(\d+)/, 1].to_i * 1024
      number, unit = ENV["LS_JAVA_OPTS"].to_s.scan(/-Xmx(\d+)([kmg]?)/i).last
      most = number.to_i << { "" => 0, "k" => 10, "m" => 20, "g" => 30 }.fetch(unit.to_s.downcase)
      most = 1 << 30 if most.zero?
      { pid: Process.pid, uptime_in_millis: ((Time.now - @started) * 1000).to_i, threads: { count: Thread.list.size },
        mem: { heap_used_percent: [used * 100 / most, 100].min, heap_used_in_bytes: [used, most].min, heap_max_in_bytes: most } }
    end
  end
end
