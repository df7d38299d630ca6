#!/usr/bin/env ruby
# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# usage: shape.rb SCRIPT changes|events
#
# Puts what it reads through the SCRIPT of a ruby filter and prints what the http output would send as one json_batch.
# It reads, line by line, changes of a feed, or events as JSON; of these, "raise" names methods of the event that fail.
$LOAD_PATH.unshift(File.join(__dir__, "logstash/lib"))
require "double/change"
require "double/script"

Encoding.default_external = Encoding::UTF_8

def hostile(fields)
  failing = fields.delete("raise") || []
  event = Double::Event.new(fields)
  failing.each { |name| event.define_singleton_method(name) { |*| raise "#{name} failed" } }
  event
end

path, form = ARGV
script = Double::Script.new(path)
events = $stdin.each_line.map do |line|
  form == "changes" ? Double::Change.event(line) : hostile(Double::Json.parse(line))
end
puts Double::Json.generate(events.compact.flat_map { |event| script.run(event) }.map(&:payload))
