# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later
require "strscan"
require_relative "errors"

module Double
  # The part of Logstash's configuration language that has no conditionals: sections, plugins and their settings.
  class Grammar
    Plugin = Struct.new(:type, :name, :settings)
    SPACE = /(?:[ \t\r\n]+|#[^\n]*)+/.freeze
    NAME = /[A-Za-z0-9_-]+/.freeze
    STRING = /"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'/m.freeze
    NUMBER = /-?\d+(?:\.\d*)?(?![\w.])/.freeze

    # The plugins of a text, in its order.
    def self.plugins(text)
      new(text).plugins
    end

    def initialize(text)
      @scanner = StringScanner.new(text)
    end

    def plugins
      found = []
      space
      until @scanner.eos?
        type = want(/input|filter|output/, %w[input filter output])
        block { found << plugin(type) }
      end
      found
    end

    private

    def plugin(type)
      name = want(NAME, ["[A-Za-z0-9_-]"])
      settings = {}
      block do
        key = @scanner.check(/["']/) ? string : want(NAME, ["[A-Za-z0-9_-]"])
        want(/=>/, ["=>"])
        settings[key] = value
      end
      Plugin.new(type, name, settings)
    end

    def block
      want(/\{/, ["{"])
      yield until skip(/\}/)
    end

    def value
      if skip(/\[/) then array
      elsif skip(/\{/) then hash
      elsif @scanner.check(STRING) then string
      elsif (number = take(NUMBER)) then number.include?(".") ? number.to_f : number.to_i
      else want(/[A-Za-z_][A-Za-z0-9_]+/, ['"', "'", "[A-Za-z_]", "-", "[0-9]", "[", "{"])
      end
    end

    def array
      items = []
      until skip(/\]/)
        want(/,/, [",", "]"]) unless items.empty?
        items << value
      end
      items
    end

    def hash
      pairs = {}
      until skip(/\}/)
        key = @scanner.check(/["']/) ? string : want(NAME, ['"', "'", "}"])
        want(/=>/, ["=>"])
        pairs[key] = value
      end
      pairs
    end

    def string
      want(STRING, ['"', "'"])[1..-2]
    end

    def space
      @scanner.skip(SPACE)
    end

    def take(pattern)
      found = @scanner.scan(pattern)
      space if found
      found
    end

    def skip(pattern)
      !take(pattern).nil?
    end

    def want(pattern, names)
      take(pattern) || unexpected(names)
    end

    def unexpected(names)
      before = @scanner.string.byteslice(0, @scanner.pos)
      wanted = ["[ \\t\\r\\n]", '"#"'] + names.map { |name| name.start_with?("[") && name.size > 1 ? name : name.inspect }
      raise Refused, "Expected one of #{wanted.join(', ')} at line #{before.count("\n") + 1}, column " \
                     "#{before.length - (before.rindex("\n") || -1)} (byte #{before.bytesize + 1}) after #{before}"
    end
  end
end
