# SPDX-FileCopyrightText: cht.sync contributors
# SPDX-License-Identifier: GPL-3.0-or-later

module Double
  # An event as scripts and plugins see it: fields by Logstash's references, `name` or `[a][b]`, with `[@metadata]`
  # apart, which is never sent.
  class Event
    METADATA = "@metadata".freeze

    def initialize(fields)
      @metadata = fields[METADATA] || {}
      @fields = fields.reject { |name, _| name == METADATA }
      @fields["@timestamp"] ||= Time.now.utc.strftime("%Y-%m-%dT%H:%M:%S.%NZ")
      @fields["@version"] ||= "1"
    end

    def get(reference)
      path(reference).reduce(root(reference)) { |value, name| step(value, name) }
    end

    def set(reference, value)
      *parents, last = path(reference)
      parents.reduce(root(reference)) { |hash, name| hash[name] ||= {} }[last] = value
    end

    def remove(reference)
      *parents, last = path(reference)
      holder = parents.reduce(root(reference)) { |value, name| step(value, name) }
      holder.delete(last) if holder.is_a?(Hash)
    end

    # Without the metadata.
    def to_hash
      @fields.dup
    end

    # What an output sends.
    def payload
      @fields
    end

    def tag(name)
      @fields["tags"] = Array(@fields["tags"]) | [name]
    end

    private

    def names(reference)
      return [reference] unless reference.start_with?("[")

      raise "Invalid FieldReference: `#{reference}`" unless reference.match?(/\A(\[[^\[\]]+\])+\z/)

      reference.scan(/\[([^\[\]]+)\]/).flatten
    end

    def root(reference)
      names(reference).first == METADATA ? @metadata : @fields
    end

    def path(reference)
      all = names(reference)
      all.first == METADATA ? all.drop(1) : all
    end

    def step(value, name)
      case value
      when Hash then value[name]
      when Array then name.match?(/\A-?\d+\z/) ? value[name.to_i] : nil
      end
    end
  end
end
